//! A limit lets a burst through, then a steady stream, and says how long to wait.

use super::*;

const S: i128 = NS_PER_S as i128;

#[test]
fn a_burst_passes_and_the_next_waits_for_its_interval() {
    let throttle = Throttle::new(1, 3, 7);
    for _ in 0..3 {
        assert_eq!(throttle.admit("line-1", 0), Ok(()));
    }
    assert_eq!(throttle.admit("line-1", 0), Err(TooFast { wait_s: 1 }));
    assert_eq!(throttle.admit("line-1", S), Ok(()));
    assert_eq!(throttle.admit("line-1", S), Err(TooFast { wait_s: 1 }));
}

#[test]
fn credit_comes_back_up_to_the_burst_and_no_further() {
    let throttle = Throttle::new(1, 2, 7);
    let later = 1000 * S;
    for _ in 0..2 {
        assert_eq!(throttle.admit("line-1", later), Ok(()));
    }
    assert_eq!(throttle.admit("line-1", later), Err(TooFast { wait_s: 1 }));
}

#[test]
fn sources_do_not_take_from_each_other() {
    let throttle = Throttle::new(1, 1, 7);
    assert_eq!(throttle.admit("line-1", 0), Ok(()));
    assert_eq!(throttle.admit("line-2", 0), Ok(()));
}
