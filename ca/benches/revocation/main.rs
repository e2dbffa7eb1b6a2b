//! What revoking costs when much is recorded: `cargo bench -p muster-ca --bench revocation [-- <certificates> <revoked>]`.
//!
//! A million certificates recorded, each with its audit entry and its place in the log: how long a start takes, how long
//! one revocation, beside a site with a thousand. Then 100,000 revoked: how large the CRLs are. Then OCSP answers a second,
//! beside `openssl ocsp` with the same client.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "it measures, and stops where it cannot")]

mod ocsp;
mod site;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;

use muster_ca::{AuthorityId, Ca, Caller, Reason, What};

use site::{Site, serial};

const SMALL: usize = 1_000;
/// One after the other, by turns of both sites, so that both have the same neighbours. The small site has not many more.
const ONE_BY_ONE: usize = 800;
const CLIENTS: usize = 16;

#[tokio::main]
async fn main() {
    let mut numbers = std::env::args().filter_map(|arg| arg.parse::<usize>().ok());
    let (certificates, revoked) = (numbers.next().unwrap_or(1_000_000), numbers.next().unwrap_or(100_000));
    let (mut small, mut big) = (Site::new(SMALL).await, Site::new(certificates).await);
    for site in [&mut small, &mut big] {
        let filled = Instant::now();
        site.fill().await;
        println!("{} certificates recorded in {:.1} s", site.certificates, filled.elapsed().as_secs_f64());
    }
    let small_start = small.open().await;
    let big_start = big.open().await;
    println!(
        "open with {certificates} certificates: {} (with {SMALL}: {}; {:.2} x)",
        millis(big_start),
        millis(small_start),
        ratio(big_start, small_start)
    );

    one_by_one(&small, &big).await;
    together(&small, &big).await;
    many(&big, revoked).await;
    let start = big.open().await;
    println!("open with {certificates} certificates, {revoked} of them revoked: {}", millis(start));
    let lists = wait_for_lists(big.ca(), revoked).await;
    println!("all its CRLs are served again {} after that, the same bytes", millis(lists));
    big.ca().tick(Timestamp::now()).await;
    ocsp::measure(&big).await;
}

async fn revoke(ca: &Arc<Ca>, n: usize) -> Duration {
    let began = Instant::now();
    let what = What::Serial { authority: AuthorityId::issuing(), serial: serial(n) };
    ca.revoke(what, Reason::Superseded, &Caller::process(), Timestamp::now()).await.unwrap();
    began.elapsed()
}

async fn one_by_one(small: &Site, big: &Site) {
    let mut times = [Vec::new(), Vec::new()];
    for n in 0..ONE_BY_ONE {
        for (site, times) in [small, big].into_iter().zip(&mut times) {
            times.push(revoke(site.ca(), n).await);
        }
    }
    let [of_small, of_big] = times;
    show("one revocation at a time", small, of_small, big, of_big);
}

async fn together(small: &Site, big: &Site) {
    let begin = ONE_BY_ONE;
    let mut times = Vec::new();
    for site in [small, big] {
        let next = Arc::new(AtomicUsize::new(begin));
        let clients = (0..CLIENTS).map(|_| {
            let (ca, next) = (site.ca().clone(), next.clone());
            tokio::spawn(async move {
                let mut times = Vec::new();
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= SMALL {
                        return times;
                    }
                    times.push(revoke(&ca, n).await);
                }
            })
        });
        let mut of_site = Vec::new();
        for client in clients.collect::<Vec<_>>() {
            of_site.extend(client.await.unwrap());
        }
        times.push(of_site);
    }
    let of_big = times.pop().unwrap();
    show(&format!("{CLIENTS} revocations at a time"), small, times.pop().unwrap(), big, of_big);
}

async fn many(site: &Site, revoked: usize) {
    let began = Instant::now();
    let next = Arc::new(AtomicUsize::new(SMALL));
    let clients = (0..256).map(|_| {
        let (ca, next) = (site.ca().clone(), next.clone());
        tokio::spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= revoked {
                    return;
                }
                revoke(&ca, n).await;
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    let took = began.elapsed();
    let a_second = (revoked - SMALL) as f64 / took.as_secs_f64();
    let lag = wait_for_lists(site.ca(), revoked).await;
    println!(
        "{revoked} revoked, {a_second:.0}/s by 256 clients; the last is on its CRL {} later",
        millis(lag)
    );
    let crls = site.ca().crls();
    let largest = crls.iter().map(|crl| crl.bytes).max().unwrap();
    let shards = crls.iter().filter(|crl| crl.authority == AuthorityId::issuing()).count();
    println!("largest of {shards} CRLs: {largest} bytes ({:.1} % of 1 MB)", largest as f64 / 10_000.0);
    let mut times = Vec::new();
    for n in revoked..revoked + 500 {
        times.push(revoke(site.ca(), n).await);
    }
    let [p50, p99, max] = percentiles(&mut times);
    println!("with {revoked} revoked, one at a time: p50 {p50}, p99 {p99}, max {max}");
}

/// Until so many are on the lists.
async fn wait_for_lists(ca: &Arc<Ca>, revoked: usize) -> Duration {
    let began = Instant::now();
    loop {
        let listed = ca.crls().iter().map(|crl| crl.entries).sum::<usize>();
        if listed >= revoked {
            return began.elapsed();
        }
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "{listed} of {revoked} are on CRLs after a minute"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn show(what: &str, small: &Site, mut of_small: Vec<Duration>, big: &Site, mut of_big: Vec<Duration>) {
    for (site, times) in [(small, &mut of_small), (big, &mut of_big)] {
        let [p50, p99, max] = percentiles(times);
        println!("{what}, {} recorded: p50 {p50}, p99 {p99}, max {max}", site.certificates);
    }
    let at = |times: &[Duration], part: usize| times[times.len() * part / 100];
    let (half, most) = (50, 99);
    println!(
        "  {} to {} recorded: p50 {:.2} x, p99 {:.2} x",
        big.certificates,
        small.certificates,
        ratio(at(&of_big, half), at(&of_small, half)),
        ratio(at(&of_big, most), at(&of_small, most))
    );
}

/// Sorts them.
fn percentiles(times: &mut [Duration]) -> [String; 3] {
    times.sort_unstable();
    [50, 99, 100].map(|part| millis(times[(times.len() * part / 100).min(times.len() - 1)]))
}

fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

fn ratio(of: Duration, to: Duration) -> f64 {
    of.as_secs_f64() / to.as_secs_f64()
}
