//! What a hostile chain may cost.

use rcgen::KeyPair;

use crate::{
    Certificate, ChainError, PATH_DEPTH_MAX, PRESENTED_MAX, verify,
    workshop::{leaf_params, now, root, self_signed},
};

#[test]
fn depth_and_number_are_bounded() {
    let top = root("root");
    let mut authorities = vec![];
    for depth in 1..=PATH_DEPTH_MAX {
        let parent = authorities.last().unwrap_or(&top);
        let next = parent.authority(&format!("level {depth}"));
        authorities.push(next);
    }
    let chain_of = |length: usize| {
        let leaf = authorities[length - 1].leaf("device");
        let above: Vec<_> = authorities[..length].iter().rev().map(|made| made.certificate.clone()).collect();
        [vec![leaf], above].concat()
    };
    assert_eq!(verify(&chain_of(PATH_DEPTH_MAX - 1), &top.certificate, now()), Ok(()));
    assert_eq!(verify(&chain_of(PATH_DEPTH_MAX), &top.certificate, now()), Err(ChainError::TooDeep));
    let crowd = vec![top.leaf("device"); PRESENTED_MAX + 1];
    let error = verify(&crowd, &top.certificate, now());
    assert_eq!(error, Err(ChainError::TooMany { presented: PRESENTED_MAX + 1 }));
    assert_eq!(verify(&crowd[1..], &top.certificate, now()), Ok(()));
    assert_eq!(verify(&[], &top.certificate, now()), Err(ChainError::Empty));
}

#[test]
fn many_authorities_of_one_name_cost_little() {
    // Every certificate could have issued every other by name; none did. webpki stops by its budgets, we by the number.
    let top = root("same");
    let crowd: Vec<Certificate> = (1..PRESENTED_MAX).map(|_| root("same").certificate).collect();
    let leaf = self_signed(leaf_params("same"), KeyPair::generate().unwrap()).certificate;
    let chain = [vec![leaf], crowd].concat();
    #[expect(clippy::disallowed_methods, reason = "a test of how long something takes needs a clock")]
    let start = std::time::Instant::now();
    assert!(verify(&chain, &top.certificate, now()).is_err());
    assert!(start.elapsed().as_millis() < 2_000, "{:?}", start.elapsed());
}

#[test]
fn a_mesh_of_crossed_authorities_costs_little() {
    // Eight keys of one name, each certified by the next: every path looks promising for as long as there is budget.
    let mut made = vec![root("mesh")];
    for _ in 0..PRESENTED_MAX - 2 {
        let next = made[made.len() - 1].authority("mesh");
        made.push(next);
    }
    let leaf = made[made.len() - 1].leaf("device");
    let chain: Vec<_> =
        std::iter::once(leaf).chain(made.iter().map(|made| made.certificate.clone())).collect();
    assert_eq!(chain.len(), PRESENTED_MAX);
    let other = root("mesh");
    #[expect(clippy::disallowed_methods, reason = "a test of how long something takes needs a clock")]
    let start = std::time::Instant::now();
    assert!(verify(&chain, &other.certificate, now()).is_err());
    assert!(start.elapsed().as_millis() < 2_000, "{:?}", start.elapsed());
}

#[test]
fn a_mesh_that_nowhere_touches_the_anchor_costs_little() {
    // No path reaches an anchor, so webpki would check no signature, and would try every order of these.
    let top = root("root");
    let crowd: Vec<Certificate> = (1..PRESENTED_MAX).map(|_| root("mesh").certificate).collect();
    let leaf = root("mesh").leaf("device");
    let chain = [vec![leaf], crowd].concat();
    #[expect(clippy::disallowed_methods, reason = "a test of how long something takes needs a clock")]
    let start = std::time::Instant::now();
    assert!(verify(&chain, &top.certificate, now()).is_err());
    assert!(start.elapsed().as_millis() < 2_000, "{:?}", start.elapsed());
}

#[test]
fn a_mesh_below_a_real_authority_costs_little() {
    // Whoever holds a sub-authority can have any number of the same name, all of them issued, and a leaf by none of them.
    let top = root("root");
    let real = top.authority("mesh");
    let crowd = (2..PRESENTED_MAX).map(|_| real.authority("mesh").certificate);
    let crowd: Vec<Certificate> = crowd.chain([real.certificate.clone()]).collect();
    let leaf = root("mesh").leaf("device");
    for rotation in 0..crowd.len() {
        let mut crowd = crowd.clone();
        crowd.rotate_left(rotation);
        let chain = [vec![leaf.clone()], crowd].concat();
        #[expect(clippy::disallowed_methods, reason = "a test of how long something takes needs a clock")]
        let start = std::time::Instant::now();
        assert!(verify(&chain, &top.certificate, now()).is_err());
        assert!(start.elapsed().as_millis() < 2_000, "{:?}", start.elapsed());
    }
}
