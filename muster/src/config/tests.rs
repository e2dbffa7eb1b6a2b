//! The configuration file: what is accepted, and what is said about the rest.

use muster_ca::PinSource;

use super::*;

fn refusal(text: &str) -> String {
    Config::parse(text).unwrap_err().to_string()
}

#[test]
fn the_printed_example_parses_and_is_what_an_empty_file_means() {
    let example = Config::parse(EXAMPLE).unwrap();
    assert_eq!(format!("{example:?}"), format!("{:?}", Config::default()));
}

#[test]
fn the_keys_that_scripts_rely_on_are_read() {
    let config = Config::parse(
        r#"
        listen = ["127.0.0.1", "127.0.0.9"]
        ports  = { mqtts = 18883, https = 18443, amqps = 15671, http = 18080 }
        dps    = { host = "dps.example.test" }
        hubs   = [ { name = "hub-1", host = "hub-1.example.test", weight = 1 }, { name = "hub-2", host = "hub-2.example.test", weight = 3 } ]
        "#,
    )
    .unwrap();
    assert_eq!(config.listen.len(), 2);
    assert_eq!(config.ports, Ports { mqtts: 18883, https: 18443, amqps: 15671, http: 18080 });
    assert_eq!(config.dps.host.as_str(), "dps.example.test");
    assert_eq!(config.hubs[1].weight, 3);
    assert_eq!(config.hubs[1].host.as_str(), "hub-2.example.test");
    assert_eq!(config.addresses(), config.listen);
}

#[test]
fn a_host_that_is_a_loopback_address_is_listened_on_unless_all_are() {
    let addresses = |text: &str| {
        Config::parse(text).unwrap().addresses().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(addresses(""), ["127.0.0.1", "127.0.0.2", "127.0.0.3"]);
    assert_eq!(addresses("listen = \"0.0.0.0\""), ["0.0.0.0"]);
}

#[test]
fn every_refusal_names_the_key_and_the_line() {
    let cases = [
        ("lisen = \"::1\"", "line 1: unknown key `lisen`"),
        ("\n\nports = { mqtt = 1 }", "line 3: unknown key `mqtt`"),
        ("hubs = [\n { name = \"a\", host = \"h\", wait = 1 } ]", "line 2: unknown key `wait`"),
        ("[limits]\nspeed = 3", "line 2: unknown key `speed`"),
        ("listen = \"here\"", "line 1: `listen`: `here` is not an IP address"),
        ("listen = []", "line 1: `listen`: name at least one address"),
        ("listen = 7", "line 1: "),
        ("ports = { mqtts = 70000 }", "line 1: "),
        ("ports = { mqtts = 443 }", "line 1: `ports`: 443 is named twice, for mqtts and https"),
        ("ports = { https = 8080 }", "line 1: `ports`: 8080 is named twice, for https and http"),
        ("[ca]\nbase_url = \"https://x\"", "line 2: `ca.base_url`: base URL `https://x` is not usable"),
        (
            "[ca]\npassphrase_file = \"f\"\npassphrase_env = \"E\"",
            "line 3: `ca.passphrase_env`: `passphrase_file` is there already",
        ),
        ("[ca]\npassphrase_env = \"a secret\"", "line 2: `ca.passphrase_env`: is not the name"),
        ("[ca]\npassphrase_file = \"\"", "line 2: `ca.passphrase_file`: is empty"),
        ("[ca]\npassphrase = \"secret\"", "line 2: unknown key `passphrase`"),
        ("[ca.pkcs11]\nmodule = \"m\"", "line 1: missing field `token`"),
        ("[ca.pkcs11]\nmodule = \"m\"\ntoken = \"t\"", "line 3: `ca.pkcs11`: the token's PIN is missing"),
        (
            "[ca.pkcs11]\nmodule = \"m\"\ntoken = \"\"\npin_env = \"P\"",
            "line 3: `ca.pkcs11.token`: write the token's label",
        ),
        ("[ca.pkcs11]\nmodule = \"m\"\ntoken = \"t\"\npin = \"1234\"", "line 4: unknown key `pin`"),
        ("dps = { host = \"a b\" }", "line 1: `dps.host`: "),
        ("dps = { }", "line 1: missing field `host`"),
        ("hubs = []", "line 1: `hubs`: a device needs at least one hub"),
        (
            "hubs = [{ name = \"a\", host = \"x\", weight = 0 }]",
            "line 1: `hubs.weight`: 0 is outside 1 to 1000",
        ),
        (
            "hubs = [{ name = \"a\", host = \"x\" },\n{ name = \"a\", host = \"y\" }]",
            "line 2: `hubs.name`: `a` is named twice",
        ),
        (
            "hubs = [{ name = \"a\", host = \"x\" },\n{ name = \"b\", host = \"X\" }]",
            "line 2: `hubs.host`: `x` is already taken",
        ),
        ("hubs = [{ name = \"a\", host = \"localhost\" }]", "`localhost` is already taken"),
        (
            "hubs = [{ name = \"a\", host = \"x\", ca_file = \"y\" }]",
            "line 1: `hubs.ca_file`: only a hub elsewhere",
        ),
        (
            "hubs = [{ name = \"a\", host = \"x\", connection_string = \"HostName=y;SharedAccessKeyName=p;SharedAccessKey=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\" }]",
            "line 1: `hubs.connection_string`: its HostName is `y`, but `host` is `x`",
        ),
        ("database = \"mysql://x\"", "line 1: `database`: write \"sqlite\" or a URL"),
        ("retry_after_s = 301", "line 1: `retry_after_s`: 301 is outside 1 to 300"),
        ("[limits]\ndrain_s = 0", "line 2: `limits.drain_s`: must be at least 1"),
        ("log = \"a=b=c\"", "line 1: `log`: "),
        ("a = ", "line 1: "),
    ];
    for (text, expected) in cases {
        let said = refusal(text);
        assert!(said.contains(expected), "{text:?} said {said:?}, not {expected:?}");
    }
}

#[test]
fn a_database_password_is_not_shown() {
    let config = Config::parse("database = \"postgres://me:hush@db/muster\"").unwrap();
    assert!(!format!("{config:?}").contains("hush"));
}

#[test]
fn the_authority_takes_its_secrets_from_files_or_variables() {
    let ca = Config::parse(
        r#"
        [ca]
        base_url = "http://pki.example.test/"
        passphrase_file = "/etc/muster/ca-passphrase"
        [ca.pkcs11]
        module = "/usr/lib/softhsm/libsofthsm2.so"
        token = "muster"
        pin_env = "MUSTER_PIN"
        "#,
    )
    .unwrap()
    .ca;
    assert_eq!(ca.base_url.unwrap().as_str(), "http://pki.example.test");
    assert_eq!(ca.passphrase, PassphraseSource::File("/etc/muster/ca-passphrase".into()));
    let pkcs11 = ca.pkcs11.unwrap();
    assert_eq!(
        (pkcs11.token.as_str(), pkcs11.pin),
        ("muster", PinSource::Environment("MUSTER_PIN".to_owned()))
    );
}
