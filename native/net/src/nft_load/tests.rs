//! Tables that are never sent.

use serde_json::Value;

use super::{Spec, Unsupported, changes};

/// How many messages a table of these objects takes, or what is not known of it.
fn messages(objects: &str) -> Result<usize, String> {
    let text = format!(r#"{{"family":"inet","table":"t","objects":{objects}}}"#);
    let spec: Spec = serde_json::from_str(&text).unwrap();
    let changes = changes(&spec);
    changes
        .map(|changes| changes.len())
        .map_err(|Unsupported(what)| what)
}

fn rule(statements: &str) -> Result<usize, String> {
    messages(&format!(
        r#"[{{"rule":{{"family":"inet","table":"t","chain":"c","expr":[{statements}]}}}}]"#
    ))
}

fn set(types: &str, elements: &str) -> Result<usize, String> {
    messages(&format!(
        r#"[{{"set":{{"family":"inet","table":"t","name":"s","type":"{types}","flags":["interval"],"elem":[{elements}]}}}}]"#
    ))
}

#[test]
fn an_empty_table_is_made_removed_and_made_again() {
    assert_eq!(messages("[]"), Ok(3));
}

#[test]
fn what_is_not_known_is_named() {
    for (statement, what) in [
        (r#"{"tproxy":{"port":1}}"#, "unknown variant `tproxy`"),
        (
            r#"{"counter":{"packets":0,"bytes":0,"name":"x"}}"#,
            "unknown field `name`",
        ),
        (
            r#"{"match":{"op":"==","left":{"meta":{"key":"skuid"}},"right":0}}"#,
            "meta skuid in rule 1 of chain c",
        ),
        (
            r#"{"match":{"op":"<","left":{"meta":{"key":"mark"}},"right":0}}"#,
            "the operator < in rule 1 of chain c",
        ),
        (
            r#""accept""#,
            r#"the statement Text("accept") in rule 1 of chain c"#,
        ),
    ] {
        assert_eq!(rule(statement), Err(what.to_owned()));
    }
}

#[test]
fn a_rule_for_both_families_is_refused() {
    let look = |protocol: &str, address: &str| {
        format!(
            r#"{{"match":{{"op":"==","left":{{"payload":{{"protocol":"{protocol}","field":"saddr"}}}},"right":"{address}"}}}}"#
        )
    };
    let both = format!("{},{}", look("ip", "10.0.0.1"), look("ip6", "fd00::1"));
    let what = "a match of both IPv4 and IPv6 in rule 1 of chain c";
    assert_eq!(rule(&both), Err(what.to_owned()));
}

#[test]
fn ranges_that_touch_are_left_to_nft() {
    let prefix = |addr: &str, len: u8| format!(r#"{{"prefix":{{"addr":"{addr}","len":{len}}}}}"#);
    let two = |one: String, other: String| set("ipv4_addr", &format!("{one},{other}"));
    assert_eq!(two(prefix("10.0.0.0", 24), prefix("10.0.2.0", 24)), Ok(5));
    let touch = Err("ranges that touch".to_owned());
    assert_eq!(two(prefix("10.0.0.0", 24), prefix("10.0.1.0", 24)), touch);
    assert_eq!(two(prefix("10.0.0.0", 8), prefix("10.0.1.0", 24)), touch);
    assert_eq!(two(prefix("0.0.0.0", 8), prefix("0.0.0.0", 9)), touch);
    let nothing = "a prefix of 0 bits".to_owned();
    assert_eq!(set("ipv4_addr", &prefix("0.0.0.0", 0)), Err(nothing));
}

#[test]
fn many_elements_take_several_messages() {
    let many: Vec<_> = (1..=1000).map(|port| (port * 2).to_string()).collect();
    assert_eq!(set("inet_service", &many.join(",")), Ok(4 + 6));
}

#[test]
fn an_object_of_another_table_is_refused() {
    let other = r#"[{"chain":{"family":"inet","table":"u","name":"c"}}]"#;
    let what = "an object of table inet u".to_owned();
    assert_eq!(messages(other), Err(what));
}

/// One of each that is known.
const ALL: &str = r#"[
    {"chain":{"family":"inet","table":"t","name":"c","type":"nat","hook":"input","prio":-5,"policy":"drop"}},
    {"set":{"family":"inet","table":"t","name":"s","type":["ipv4_addr","mark"],"elem":[{"concat":["10.0.0.1",1]}]}},
    {"map":{"family":"inet","table":"t","name":"m","type":"inet_service","map":["ipv4_addr","inet_service"],"elem":[[80,{"concat":["10.0.0.1",8]}]]}},
    {"element":{"family":"inet","table":"t","name":"s","elem":[{"concat":["10.0.0.2",2]}]}},
    {"rule":{"family":"inet","table":"t","chain":"c","comment":"all","expr":[
        {"match":{"op":"in","left":{"ct":{"key":"state"}},"right":["new","related"]}},
        {"match":{"op":"==","left":{"meta":{"key":"iifname"}},"right":"a*"}},
        {"match":{"op":"!=","left":{"payload":{"protocol":"ip","field":"saddr"}},"right":{"prefix":{"addr":"10.0.0.0","len":9}}}},
        {"match":{"op":"==","left":{"payload":{"protocol":"tcp","field":"dport"}},"right":{"range":[1,2]}}},
        {"match":{"op":"==","left":{"payload":{"protocol":"tcp","field":"dport"}},"right":{"set":[1,{"range":[5,7]}]}}},
        {"match":{"op":"==","left":{"concat":[{"payload":{"protocol":"ip","field":"saddr"}},{"meta":{"key":"mark"}}]},"right":"@s"}},
        {"match":{"op":"==","left":{"&":[{"payload":{"protocol":"tcp","field":"flags"}},{"|":["syn","rst"]}]},"right":"syn"}},
        {"match":{"op":"==","left":{"fib":{"result":"type","flags":["daddr"]}},"right":"local"}},
        {"vmap":{"key":{"meta":{"key":"mark"}},"data":{"set":[[1,{"accept":null}],[2,{"jump":{"target":"c"}}]]}}},
        {"counter":{"packets":1,"bytes":2}},{"log":{"prefix":"p","level":"info"}},
        {"limit":{"rate":1,"per":"day","burst":2}},{"notrack":null},
        {"mangle":{"key":{"ct":{"key":"mark"}},"value":{"meta":{"key":"mark"}}}},
        {"mangle":{"key":{"tcp option":{"name":"maxseg","field":"size"}},"value":{"rt":{"key":"mtu"}}}},
        {"masquerade":{"port":{"range":[1,2]},"flags":["random"]}},{"redirect":{"port":80}},
        {"dnat":{"family":"ip","addr":{"map":{"key":{"payload":{"protocol":"tcp","field":"dport"}},"data":"@m"}}}},
        {"snat":{"addr":{"range":["10.0.0.1","10.0.0.2"]},"family":"ip","port":7,"flags":"persistent"}},
        {"reject":{"type":"icmpx","expr":"no-route"}},{"drop":null}
    ]}}
]"#;

/// Calls `with` for the value with each of its parts replaced by something else.
fn damage(value: &Value, with: &mut dyn FnMut(Value)) {
    for other in [
        Value::Null,
        Value::from(-1),
        Value::from(u64::MAX),
        Value::from(""),
        Value::from("@"),
        Value::from("x".repeat(200)),
        serde_json::json!([]),
        serde_json::json!({}),
    ] {
        with(other);
    }
    match value {
        Value::Array(list) => {
            for (at, part) in list.iter().enumerate() {
                damage(part, &mut |part| {
                    let mut list = list.clone();
                    list[at] = part;
                    with(Value::Array(list));
                });
            }
        }
        Value::Object(members) => {
            for (name, part) in members {
                damage(part, &mut |part| {
                    let mut members = members.clone();
                    members.insert(name.clone(), part);
                    with(Value::Object(members));
                });
            }
        }
        _ => {}
    }
}

#[test]
fn a_damaged_table_is_refused_or_written_but_never_a_bug() {
    let whole: Value = serde_json::from_str(ALL).unwrap();
    // Chain, two sets with elements, more elements, two sets of the rule with elements, the rule.
    assert_eq!(messages(ALL), Ok(3 + 1 + 4 + 1 + 4 + 1));
    let mut refused = 0;
    damage(&whole, &mut |damaged| {
        if damaged.is_array() {
            refused += usize::from(messages(&damaged.to_string()).is_err());
        }
    });
    assert!(refused > 1000, "{refused}");
}
