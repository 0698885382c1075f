//! The example program does what it says.

use std::{env, process::Command};

use serde_json::Value;

#[test]
fn the_example_flow_ends_with_a_cni_result() {
    // Cargo builds the examples with the tests, in a directory beside theirs.
    let deps = env::current_exe().unwrap();
    let program = deps.ancestors().nth(2).unwrap().join("examples/container");
    let output = Command::new(program).output();
    let output =
        output.expect("`cargo test` without names, or `cargo build --examples`, builds it");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{stderr}");
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["cniVersion"], "1.1.0");
    assert_eq!(result["interfaces"][0].get("sandbox"), None);
    let container = &result["interfaces"][1];
    assert_eq!(container["name"], "eth0");
    assert_eq!(container["mac"], "00:15:5d:1a:1f:1c");
    assert_eq!(container["mtu"], 1400);
    assert_eq!(container["sandbox"], "/run/netns/container");
    assert_eq!(result["ips"][0]["interface"], 1);
}
