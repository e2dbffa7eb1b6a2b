//! The README's first command, small: it ends with 0 only if every figure adds up, and every refusal has a reason.

use std::process::Command;

use crate::binaries::binary;

#[test]
fn the_demo_adds_up_and_says_why_devices_were_refused() {
    let output = Command::new(binary("muster")).args(["demo", "--devices", "40", "--json"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    let messages = &report["messages"];
    assert!(messages["sent"].as_u64().unwrap() > 0, "{report:#}");
    assert_eq!(messages["sent"], messages["acknowledged"]);
    assert_eq!(messages["sent"], messages["readBack"]);
    let refused = report["refused"].as_array().unwrap();
    assert!(refused.len() >= 5, "{refused:?}");
    for device in refused {
        for told in ["told", "reason", "fix"] {
            assert!(
                device[told].as_str().is_some_and(|text| text.len() > 5),
                "`{told}` is missing: {device}"
            );
        }
    }
}
