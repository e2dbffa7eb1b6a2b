//! Authorities that somebody else signs: here openssl, as a security team's offline root.

use jiff::{SignedDuration, Timestamp};

use muster_store::Db;
use muster_test_engines::for_each_place;
use muster_x509::{Certificate, Csr, read_certificates};

use super::{Running, Site, id_of, write};
use crate::{
    Caller, KeyKind, NewAuthority, State,
    workshop::{DAY, openssl},
};

const CA: &str =
    "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n";
const GOOD: &str = "basicConstraints=critical,CA:TRUE,pathlen:1\n\
    keyUsage=critical,digitalSignature,keyCertSign,cRLSign\n\
    subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n";

/// A root in a safe, and the desk at which it signs.
struct Outside {
    dir: tempfile::TempDir,
    /// An hour after it was made.
    at: Timestamp,
}

/// How the outside root signs.
struct Signing<'a> {
    root: &'a str,
    extensions: &'a str,
    days: &'a str,
    digest: &'a str,
}

const USUAL: Signing<'_> = Signing { root: "root", extensions: GOOD, days: "730", digest: "-sha256" };

impl Outside {
    fn new() -> Self {
        let outside = Self { dir: tempfile::tempdir().unwrap(), at: Timestamp::UNIX_EPOCH };
        let root = outside.root("root", &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"], CA);
        let at = root.not_before() + SignedDuration::from_hours(1);
        Self { at, ..outside }
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn root(&self, name: &str, key: &[&str], extensions: &str) -> Certificate {
        let config = format!("[req]\ndistinguished_name=dn\nx509_extensions=ext\n[dn]\n[ext]\n{extensions}");
        let config = write(self.dir.path(), &format!("{name}.cnf"), &config);
        let (certificate, private) = (self.path(name), self.path(&format!("{name}.key")));
        let subject = format!("/O=Contoso/CN=Contoso {name}");
        let mut arguments =
            vec!["req", "-x509", "-config", &config, "-nodes", "-subj", &subject, "-days", "3650"];
        arguments.extend(["-out", &certificate, "-keyout", &private]);
        arguments.extend(key);
        openssl(&arguments);
        read_certificates(&self.read(name)).unwrap().remove(0)
    }

    fn sign(&self, request: &str, signing: &Signing<'_>) -> String {
        let request = write(self.dir.path(), "request", request);
        let extensions = write(self.dir.path(), "extensions", signing.extensions);
        let (root, key) = (self.path(signing.root), self.path(&format!("{}.key", signing.root)));
        let signed = self.path("signed");
        openssl(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            &root,
            "-CAkey",
            &key,
            "-days",
            signing.days,
            signing.digest,
            "-extfile",
            &extensions,
            "-out",
            &signed,
        ]);
        self.read("signed")
    }
}

async fn for_each_site(test: impl AsyncFn(&Site<'_>, &Outside)) {
    for_each_place(async |place| {
        test(&Site { dir: tempfile::tempdir().unwrap(), place }, &Outside::new()).await;
    })
    .await;
}

async fn request(running: &Running, id: &str, at: Timestamp) -> String {
    let new = NewAuthority::new(id_of(id));
    running.ca.request_intermediate(new, &Caller::process(), at).await.unwrap()
}

async fn refusal(running: &Running, id: &str, chain: &str, at: Timestamp) -> String {
    running.ca.activate(&id_of(id), chain, &Caller::process(), at).await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_request_that_was_signed_well_becomes_an_authority_that_signs_others() {
    for_each_site(async |site, outside| {
        let running = site.open(outside.at).await;
        let pem = request(&running, "plant", outside.at).await;
        let csr = Csr::parse(pem.as_bytes()).unwrap();
        assert!(csr.subject().starts_with("CN=Muster Plant "), "{}", csr.subject());
        assert_eq!(running.authority("plant").state, State::Pending);
        // It waits as long as the security team takes.
        running.close().await;
        let running = site.open(outside.at + DAY).await;
        let chain = outside.sign(&pem, &USUAL) + &outside.read("root");
        let caller = Caller::process();
        let active = running.ca.activate(&id_of("plant"), &chain, &caller, outside.at + DAY).await.unwrap();
        assert_eq!((active.state, active.generation), (State::Active, 1));
        let line = NewAuthority::new(id_of("line"));
        running.ca.create_intermediate(&id_of("plant"), line, &caller, outside.at + DAY).await.unwrap();
        running.close().await;

        let running = site.open(outside.at + DAY * 2).await;
        let chain: Vec<String> =
            running.ca.chain(&id_of("line")).iter().map(|it| muster_x509::to_pem(it.der())).collect();
        let dir = outside.dir.path();
        let (line, plant) = (write(dir, "line", &chain[0]), write(dir, "plant", &chain[1]));
        let root = outside.path("root");
        let at = (outside.at + DAY * 2).as_second().to_string();
        let verify =
            ["verify", "-x509_strict", "-attime", &at, "-CAfile", &root, "-untrusted", &plant, &line];
        assert!(openssl(&verify).contains("OK"));
        // The tree shows whose root it hangs from; nothing here can sign with that.
        let nodes = running.ca.tree().nodes();
        let external = nodes.iter().find(|node| node.authority.id.as_str().starts_with("external-")).unwrap();
        assert_eq!(external.children[0].authority.id, id_of("plant"));
        assert_eq!(external.children[0].children[0].authority.id, id_of("line"));
        let new = NewAuthority::new(id_of("other"));
        let refused = running.ca.create_intermediate(&external.authority.id, new, &caller, outside.at).await;
        assert!(refused.unwrap_err().to_string().contains("is elsewhere"));
        let said = refusal(&running, "plant", &chain.concat(), outside.at).await;
        assert!(said.contains("`plant` is active and waits for no certificate"), "{said}");
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn each_requirement_is_refused_in_its_own_words_and_the_authority_stays_pending() {
    for_each_site(async |site, outside| {
        let running = site.open(outside.at).await;
        let pem = request(&running, "plant", outside.at).await;
        let rsa = ["-newkey", "rsa:2048"];
        outside.root("rsa", &rsa, CA);
        outside.root("p224", &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp224r1"], CA);
        outside.root(
            "no-ca",
            &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
            "basicConstraints=critical,CA:FALSE\n",
        );
        outside.root(
            "no-sign",
            &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
            "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,cRLSign\n",
        );
        outside.root(
            "flat",
            &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
            "basicConstraints=critical,CA:TRUE,pathlen:0\n",
        );
        let without = |part: &str| GOOD.replace(part, "");
        let changed = |from: &str, to: &str| GOOD.replace(from, to);
        let cases = [
            (Signing { root: "rsa", ..USUAL }, "is signed with RSA and SHA-256"),
            (Signing { digest: "-sha1", ..USUAL }, "is signed with ECDSA and SHA-1"),
            (
                Signing { extensions: &changed("pathlen:1", "pathlen:0"), ..USUAL },
                "says pathlen 0 instead of 1",
            ),
            (Signing { extensions: &without(",pathlen:1"), ..USUAL }, "says pathlen unlimited instead of 1"),
            (Signing { extensions: &changed("=hash", "=none"), ..USUAL }, "has no subjectKeyIdentifier"),
            (
                Signing { extensions: &format!("{GOOD}extendedKeyUsage=serverAuth\n"), ..USUAL },
                "lacks clientAuth",
            ),
            (Signing { days: "364", ..USUAL }, "has 363 days left, 365 are needed"),
            (Signing { extensions: &without("digitalSignature,"), ..USUAL }, "lacks digitalSignature"),
            (Signing { extensions: &without("keyCertSign,"), ..USUAL }, "lacks keyCertSign"),
            (Signing { extensions: &without(",cRLSign"), ..USUAL }, "lacks cRLSign"),
            (
                Signing {
                    extensions: &without("keyUsage=critical,digitalSignature,keyCertSign,cRLSign\n"),
                    ..USUAL
                },
                "lacks digitalSignature",
            ),
            (Signing { extensions: "subjectKeyIdentifier=hash\n", ..USUAL }, "has no basicConstraints"),
            (Signing { extensions: &changed("CA:TRUE,pathlen:1", "CA:FALSE"), ..USUAL }, "says `CA:FALSE`"),
            (
                Signing { extensions: &changed("basicConstraints=critical,", "basicConstraints="), ..USUAL },
                "is not critical",
            ),
            (Signing { root: "p224", ..USUAL }, "key that is not P-256, P-384 or P-521"),
            (Signing { root: "no-ca", ..USUAL }, "`CN=Contoso no-ca,O=Contoso` says `CA:FALSE`"),
            (Signing { root: "no-sign", ..USUAL }, "lacks keyCertSign"),
            (Signing { root: "flat", ..USUAL }, "allows 0 authorities below it, but there are 1"),
        ];
        for (signing, said) in cases {
            let chain = outside.sign(&pem, &signing) + &outside.read(signing.root);
            let refused = refusal(&running, "plant", &chain, outside.at).await;
            assert!(refused.contains(said), "{said}: {refused}");
            assert_eq!(running.authority("plant").state, State::Pending);
        }
        // After all of these, the good one is taken.
        let chain = outside
            .sign(&pem, &Signing { extensions: &format!("{GOOD}extendedKeyUsage=clientAuth\n"), ..USUAL });
        let chain = chain + &outside.read("root");
        running.ca.activate(&id_of("plant"), &chain, &Caller::process(), outside.at).await.unwrap();
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_certificate_for_another_name_or_key_is_refused() {
    for_each_site(async |site, outside| {
        let running = site.open(outside.at).await;
        let pem = request(&running, "plant", outside.at).await;
        let other = request(&running, "other", outside.at).await;
        let root = outside.read("root");
        let chain = outside.sign(&other, &USUAL) + &root;
        let said = refusal(&running, "plant", &chain, outside.at).await;
        assert!(said.contains("has another public key than the request"), "{said}");

        // The key of the request under another subject: openssl takes the subject from a request of its own.
        let spki = Csr::parse(pem.as_bytes()).unwrap().spki_der().to_vec();
        let key = outside.path("spki");
        std::fs::write(&key, spki).unwrap();
        let public = outside.path("public");
        openssl(&["pkey", "-pubin", "-inform", "DER", "-in", &key, "-pubout", "-out", &public]);
        let request = write(outside.dir.path(), "request", &other);
        let extensions = write(outside.dir.path(), "extensions", GOOD);
        let (ca, ca_key, signed) = (outside.path("root"), outside.path("root.key"), outside.path("signed"));
        let renamed = [
            "x509",
            "-req",
            "-in",
            &request,
            "-force_pubkey",
            &public,
            "-CA",
            &ca,
            "-CAkey",
            &ca_key,
            "-days",
            "730",
            "-sha256",
            "-extfile",
            &extensions,
            "-out",
            &signed,
        ];
        openssl(&renamed);
        let said = refusal(&running, "plant", &(outside.read("signed") + &root), outside.at).await;
        assert!(said.contains("certificate has the subject `CN=Muster Other "), "{said}");
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_chain_that_is_not_whole_or_not_in_order_is_refused() {
    for_each_site(async |site, outside| {
        let running = site.open(outside.at).await;
        let pem = request(&running, "plant", outside.at).await;
        outside.root("stranger", &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"], CA);
        let (own, root, stranger) =
            (outside.sign(&pem, &USUAL), outside.read("root"), outside.read("stranger"));
        let late = outside.at + DAY * 3660;
        for (chain, at, said) in [
            (String::new(), outside.at, "certificate text is empty"),
            (own.clone(), outside.at, "chain of 1 certificates is not one"),
            (root.clone() + &own, outside.at, "is not the first of the chain"),
            (own.clone() + &stranger, outside.at, "is not signed by the next one, `CN=Contoso stranger"),
            (own.clone() + &root + &stranger, outside.at, "is not signed by the next one"),
            (own.clone() + &root.repeat(7), outside.at, "chain of 8 certificates is not one"),
            (own.clone() + &root, outside.at - DAY, "is valid from"),
            (own.clone() + &root, late, "days left, 365 are needed"),
        ] {
            let refused = refusal(&running, "plant", &chain, at).await;
            assert!(refused.contains(said), "{said}: {refused}");
        }
        let said = refusal(&running, "nowhere", &own, outside.at).await;
        assert!(said.contains("`nowhere` is not there"), "{said}");
        // With the root known beforehand, the certificate alone will do.
        let caller = Caller::process();
        running.ca.import_root(id_of("contoso"), &root, &caller, outside.at).await.unwrap();
        let active = running.ca.activate(&id_of("plant"), &own, &caller, outside.at).await.unwrap();
        assert_eq!(active.parent, Some(id_of("contoso")));
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_root_is_imported_once_and_only_if_it_is_one() {
    for_each_site(async |site, outside| {
        let running = site.open(outside.at).await;
        outside.root("no-ca", &["-newkey", "rsa:2048"], "basicConstraints=critical,CA:FALSE\n");
        outside.root("legacy", &["-newkey", "rsa:2048"], CA);
        let caller = Caller::process();
        let import = async |id: &str, pem: &str, at| {
            running.ca.import_root(id_of(id), pem, &caller, at).await.map_err(|error| error.to_string())
        };
        let root = outside.read("root");
        let own = running.ca.bundle_pem();
        let issuing = own.split_inclusive("-----END CERTIFICATE-----\n").next().unwrap();
        for (pem, at, said) in [
            (root.repeat(2).as_str(), outside.at, "2 certificates were sent"),
            (&outside.read("no-ca"), outside.at, "is not a root"),
            (issuing, outside.at, "is not a root"),
            (&root, outside.at + DAY * 3660, "expired at"),
            (&running.ca.root_pem(), outside.at, "is that of authority `root` already"),
            ("rubbish", outside.at, "certificate text is not"),
        ] {
            let refused = import("contoso", pem, at).await.unwrap_err();
            assert!(refused.contains(said), "{said}: {refused}");
        }
        import("contoso", &root, outside.at).await.unwrap();
        assert!(import("again", &root, outside.at).await.unwrap_err().contains("`contoso` already"));
        // Only trusted, never signed by: RSA may be as old as it is.
        import("legacy", &outside.read("legacy"), outside.at).await.unwrap();
        running.close().await;
        let running = site.open(outside.at).await;
        let imported = running.authority("contoso");
        assert_eq!((imported.state, &imported.key), (State::Active, &None));
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn requests_are_for_curves_that_their_certificates_may_have() {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open_memory().await.unwrap();
    let ca = crate::workshop::open(dir.path(), &db, crate::workshop::now()).await.unwrap();
    for kind in KeyKind::ALL {
        let new = NewAuthority { key: kind, ..NewAuthority::new(id_of(&format!("with-{kind}"))) };
        let outcome = ca.request_intermediate(new, &Caller::process(), crate::workshop::now()).await;
        assert_eq!(outcome.is_ok(), matches!(kind, KeyKind::P256 | KeyKind::P384), "{kind}");
        if let Ok(pem) = outcome {
            let request = write(dir.path(), "request", &pem);
            let said = openssl(&["req", "-in", &request, "-noout", "-verify", "-text"]);
            assert!(
                said.contains("CA:TRUE, pathlen:1")
                    && said.contains("Digital Signature, Certificate Sign, CRL Sign")
            );
        }
    }
}
