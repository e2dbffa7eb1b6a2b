//! Another passphrase for the keys, beside a server that runs.

use std::fs;

use super::Office;

#[test]
fn the_passphrase_changes_beside_a_server_that_goes_on_and_its_next_start_finds_the_new_one() {
    let office = Office::open();
    let random = office.read("data/ca/passphrase");
    fs::write(office.path("own"), "correct horse battery\n").unwrap();
    let changed = office.json("passphrase change --new-file own");
    assert_eq!(changed["nextStartFindsIt"], false, "{changed}");
    assert!(changed["newPassphrase"].as_str().unwrap().contains("own"), "{changed}");
    assert!(!office.path("data/ca/passphrase").exists());
    office.request("pump", "/CN=pump-7");
    office.done("sign pump.csr --out pump.pem");

    // The old one opens nothing, and no terminal is there to ask for another.
    fs::write(office.path("random"), &random).unwrap();
    let refused = office.refused("passphrase change --random --old-file random");
    assert!(refused.contains("passphrase does not open") && refused.contains("--old-file"), "{refused}");
    assert!(!refused.contains(random.trim()), "{refused}");
    let refused = office.refused("passphrase change --old-file own");
    assert!(refused.contains("no terminal to ask for it") && refused.contains("--new-file"), "{refused}");
    fs::write(office.path("short"), "elevenchars").unwrap();
    let refused = office.refused("passphrase change --old-file own --new-file short");
    assert!(refused.contains("at least 12"), "{refused}");
    let refused = office.refused("passphrase change --old-file own --random --data elsewhere");
    assert!(refused.contains("nothing was sealed here yet"), "{refused}");
    assert!(!office.path("elsewhere").exists());
    assert_eq!(office.run("passphrase change --random --new-file own").status.code(), Some(2));

    let changed = office.json("passphrase change --old-file own --random");
    assert_eq!(changed["nextStartFindsIt"], true, "{changed}");
    let office = office.restarted();
    office.request("valve", "/CN=valve-1");
    office.done("sign valve.csr --out valve.pem");
    assert_eq!(office.json("audit verify")["verdict"], "whole");
    let entries = office.json("audit list --from 1 --max 1000");
    let about = |decision: &str| {
        let entries = entries["entries"].as_array().unwrap().iter();
        let ours = entries.filter(|it| it["action"] == "passphrase.change" && it["decision"] == decision);
        ours.map(|it| it["count"].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!((about("allowed"), about("refused")), (2, 2));
}
