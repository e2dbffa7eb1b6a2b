//! Several anchors, a pool of known authorities, other uses than a client's, and the letter of RFC 5280.

use rcgen::{
    BasicConstraints, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyPair, NameConstraints, SanType,
};

use crate::{
    Certificate, ChainError, PRESENTED_MAX, Place, Rules, Usage, Validation,
    workshop::{Bend, Made, bent_root, leaf_params, now, odd_extension, root},
};

fn anchors(of: &[&Made]) -> Vec<Certificate> {
    of.iter().map(|made| made.certificate.clone()).collect()
}

fn named(authority: &Made, names: &[SanType]) -> Certificate {
    let mut params = leaf_params("server");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.subject_alt_names = names.to_vec();
    authority.issue(params, KeyPair::generate().unwrap()).certificate
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

#[test]
fn the_path_tells_which_anchor_it_leads_to() {
    let (one, two) = (root("one"), root("two"));
    let line = two.authority("line");
    let leaf = line.leaf("device");
    let anchors = anchors(&[&one, &two]);
    let path =
        Validation::of_clients(&anchors, now()).path(&[leaf.clone(), line.certificate.clone()]).unwrap();
    assert_eq!(path, [leaf, line.certificate, two.certificate]);
}

#[test]
fn an_unsound_anchor_harms_only_what_it_leads_to() {
    let (sound, odd) = (
        root("sound"),
        bent_root("odd", |params| params.custom_extensions = vec![odd_extension(&[1, 2, 3, 4], true)]),
    );
    let anchors = anchors(&[&odd, &sound]);
    let validation = Validation::of_clients(&anchors, now());
    assert!(validation.path(&[sound.leaf("device")]).is_ok());
    let error = validation.path(&[odd.leaf("device")]).unwrap_err();
    assert!(matches!(error, ChainError::UnknownCriticalExtension { place: Place::Anchor, .. }), "{error}");
    // The same name and key once more, soundly: the renewed anchor counts.
    let renewed = root("odd").renewed_with(odd.key_again());
    let both = [odd.certificate.clone(), renewed];
    assert!(Validation::of_clients(&both, now()).path(&[odd.leaf("device")]).is_ok());
}

#[test]
fn a_stranger_is_told_what_it_was_compared_with() {
    let roots: Vec<Made> = ["a", "b", "c", "d"].into_iter().map(root).collect();
    let anchors: Vec<Certificate> = roots.iter().map(|root| root.certificate.clone()).collect();
    let error = Validation::of_clients(&anchors, now()).path(&[root("e").leaf("device")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "leaf `CN=device` is not issued by `CN=a`, `CN=b`, `CN=c`, `…`, nor by a certificate that was presented: its issuer is `CN=e`; \
         send the missing certificate along, or enroll that issuer"
    );
    assert!(Validation::of_clients(&[], now()).path(&[root("e").leaf("device")]).is_err());
}

#[test]
fn a_pool_fills_the_gaps_of_a_chain() {
    let top = root("root");
    let region = top.authority("region");
    let line = region.authority("line");
    let leaf = line.leaf("device");
    let anchors = anchors(&[&top]);
    let strangers = (0..200).map(|at| root(&format!("stranger {at}")).certificate);
    let mut pool: Vec<Certificate> = strangers.collect();
    let path = |pool: &[Certificate], presented: &[Certificate]| {
        Validation { intermediates: pool, ..Validation::of_clients(&anchors, now()) }.path(presented)
    };
    assert!(path(&pool, std::slice::from_ref(&leaf)).is_err());
    pool.extend([line.certificate.clone(), region.certificate.clone(), line.certificate.clone()]);
    let whole = [&leaf, &line.certificate, &region.certificate, &top.certificate].map(Clone::clone);
    assert_eq!(path(&pool, &whole[..1]).unwrap(), whole);
    assert_eq!(path(&pool, &[leaf.clone(), region.certificate.clone()]).unwrap(), whole);
    assert_eq!(path(&pool, &whole).unwrap(), whole);
    // A pool is not trusted: what it holds must lead to an anchor as well.
    let foreign = root("foreign");
    let error = path(std::slice::from_ref(&foreign.certificate), &[foreign.leaf("device")]);
    assert!(matches!(error, Err(ChainError::NotIssued { .. })), "{error:?}");
}

#[test]
fn a_pool_with_a_crowd_of_one_name_is_refused() {
    let top = root("root");
    let anchors = anchors(&[&top]);
    let crowd: Vec<Certificate> = (0..65).map(|_| root("line").certificate).collect();
    let leaf = root("line").leaf("device");
    let crowded = |crowd: &[Certificate]| {
        Validation { intermediates: crowd, ..Validation::of_clients(&anchors, now()) }
            .path(std::slice::from_ref(&leaf))
    };
    assert_eq!(crowded(&crowd), Err(ChainError::TooComplicated));
    assert!(matches!(crowded(&crowd[1..]), Err(ChainError::BadSignature { .. })));
}

#[test]
fn a_server_is_known_by_its_names() {
    let top = root("root");
    let anchors = anchors(&[&top]);
    let judge = |usage, leaf: &Certificate| {
        Validation { usage, ..Validation::of_clients(&anchors, now()) }
            .path(std::slice::from_ref(leaf))
            .map(|_| ())
    };
    let leaf = named(
        &top,
        &[dns("hub.example"), dns("*.dps.example"), SanType::IpAddress("192.0.2.1".parse().unwrap())],
    );
    for name in ["hub.example", "HUB.example", "a.dps.example", "192.0.2.1"] {
        assert_eq!(judge(Usage::ServerNamed(name), &leaf), Ok(()), "{name}");
    }
    for name in ["example", "x.hub.example", "a.b.dps.example", "dps.example", "192.0.2.2", "", "server"] {
        let not_named = ChainError::NotNamed { subject: "CN=server".to_owned(), name: name.to_owned() };
        assert_eq!(judge(Usage::ServerNamed(name), &leaf), Err(not_named));
    }
    assert_eq!(judge(Usage::Server, &leaf), Ok(()));
    assert!(matches!(judge(Usage::Client, &leaf), Err(ChainError::NotForClients { .. })));
    assert!(matches!(judge(Usage::Server, &top.leaf("device")), Err(ChainError::NotForServers { .. })));
}

#[test]
fn depth_is_bounded_by_the_caller_too() {
    let top = root("root");
    let region = top.authority("region");
    let line = region.authority("line");
    let chain = [line.leaf("device"), line.certificate.clone(), region.certificate.clone()];
    let anchors = anchors(&[&top]);
    let judge = |depth_max| {
        Validation { depth_max, ..Validation::of_clients(&anchors, now()) }.path(&chain).map(|_| ())
    };
    assert_eq!(judge(2), Ok(()));
    assert_eq!(judge(1), Err(ChainError::TooDeep));
    // With the name of its issuer it is the same authority, with a new key.
    let renewed = line.authority("line");
    let chain = [renewed.leaf("device"), renewed.certificate, line.certificate, region.certificate];
    assert!(Validation { depth_max: 2, ..Validation::of_clients(&anchors, now()) }.path(&chain).is_ok());
}

#[test]
fn the_letter_of_rfc_5280_is_asked_for_only_where_wanted() {
    let top = root("root");
    let judge = |anchor: &Made, leaf: &Certificate| {
        let anchors = anchors(&[anchor]);
        let field = Validation::of_clients(&anchors, now());
        let letter = Validation { rules: Rules::Rfc5280, ..field };
        assert!(field.path(std::slice::from_ref(leaf)).is_ok());
        letter.path(std::slice::from_ref(leaf)).map(|_| ()).map_err(|error| error.to_string())
    };
    let sound: Bend = |params| params.use_authority_key_identifier_extension = true;
    assert_eq!(judge(&top, &top.bent_leaf("device", sound)), Ok(()));
    let cases: [(Bend, &str); 4] = [
        (|_| {}, "it has no authorityKeyIdentifier"),
        (
            |params| {
                params.use_authority_key_identifier_extension = true;
                params.serial_number = Some(vec![0].into());
            },
            "its serial number is zero",
        ),
        (
            |params| {
                params.use_authority_key_identifier_extension = true;
                params.serial_number = Some(vec![1; 21].into());
            },
            "its serial number is longer than 20 octets",
        ),
        (
            |params| {
                params.use_authority_key_identifier_extension = true;
                params.subject_alt_names = vec![dns("under_score.example")];
            },
            "its subjectAltName has a DNS name that is none",
        ),
    ];
    for (bend, reason) in cases {
        let said = judge(&top, &top.bent_leaf("device", bend)).unwrap_err();
        assert_eq!(said, format!("leaf `CN=device` breaks RFC 5280 ({reason}): issue it again"));
    }
    let dotted = bent_root("root", |params| {
        let permitted_subtrees = vec![GeneralSubtree::DnsName(".example".to_owned())];
        params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: vec![] });
    });
    let said = judge(&dotted, &dotted.bent_leaf("device", sound)).unwrap_err();
    assert!(
        said.starts_with(
            "authority `CN=root` breaks RFC 5280 (its nameConstraints have a DNS name that is none)"
        ),
        "{said}"
    );
}

#[test]
fn many_names_and_many_constraints_cost_little() {
    // As many as 16 KiB hold on either side: a million comparisons, of which webpki does a quarter.
    let excluded = (0..1000).map(|at| GeneralSubtree::DnsName(format!("x{at}.test"))).collect();
    let mut params = crate::workshop::authority_params("root");
    params.name_constraints =
        Some(NameConstraints { permitted_subtrees: vec![], excluded_subtrees: excluded });
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let top = crate::workshop::self_signed(params, KeyPair::generate().unwrap());
    let names: Vec<SanType> = (0..1000).map(|at| dns(&format!("y{at}.test"))).collect();
    let leaf = named(&top, &names);
    let anchors = anchors(&[&top]);
    for rules in [Rules::Field, Rules::Rfc5280] {
        let validation =
            Validation { usage: Usage::Server, rules, ..Validation::of_clients(&anchors, now()) };
        #[expect(clippy::disallowed_methods, reason = "a test of how long something takes needs a clock")]
        let start = std::time::Instant::now();
        assert_eq!(validation.path(std::slice::from_ref(&leaf)), Err(ChainError::TooComplicated));
        assert!(start.elapsed().as_millis() < 5_000, "{:?}", start.elapsed());
    }
    let crowd = vec![leaf; PRESENTED_MAX + 1];
    let error = Validation::of_clients(&anchors, now()).path(&crowd);
    assert_eq!(error, Err(ChainError::TooMany { presented: PRESENTED_MAX + 1 }));
}
