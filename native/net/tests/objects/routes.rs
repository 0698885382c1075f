use serde_json::{Value, json};

use crate::sandbox::Sandbox;

/// Our routes to `to`.
fn ours(sandbox: &Sandbox, to: &str) -> Vec<Value> {
    let routes = sandbox.dump("routes").into_iter();
    routes
        .filter(|route| route["to"] == to && route["protocol"] == 78)
        .collect()
}

#[test]
fn a_multipath_route_is_read_back_with_its_hops_changed_and_removed() {
    let Some(sandbox) = Sandbox::with_links() else {
        return;
    };
    let (a, b) = (sandbox.index("a0"), sandbox.index("b0"));
    for (to, one, two) in [
        ("10.9.0.0/16", "10.0.0.2", "10.0.1.2"),
        ("fd00:9::/48", "fd00:a::2", "fd00:b::2"),
    ] {
        let route = |op: &str, hops: Value| json!({ "op": op, "to": to, "protocol": 78, "metric": 50, "hops": hops });
        let both = json!([{ "dev": "a0", "via": one, "weight": 3 }, { "dev": "b0", "via": two }]);
        sandbox.apply(&json!([route("route.add", both.clone())]));
        // Twice is the same as once.
        sandbox.apply(&json!([route("route.add", both)]));
        let found = ours(&sandbox, to);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(
            found[0]["hops"],
            json!([{ "index": a, "via": one, "weight": 3 }, { "index": b, "via": two, "weight": 1 }])
        );
        assert_eq!(
            (&found[0]["index"], &found[0]["metric"]),
            (&Value::Null, &json!(50))
        );
        let turned = json!([{ "dev": "b0", "via": two, "weight": 7 }, { "dev": "a0", "via": one }]);
        sandbox.apply(&json!([route("route.add", turned)]));
        let found = ours(&sandbox, to);
        assert_eq!(found.len(), 1, "{found:?}");
        let mut weights: Vec<_> = found[0]["hops"]
            .as_array()
            .unwrap()
            .iter()
            .map(|hop| &hop["weight"])
            .collect();
        weights.sort_by_key(|weight| weight.as_u64());
        assert_eq!(weights, [&json!(1), &json!(7)]);
        // From many ways to one, and back.
        sandbox.apply(&json!([{ "op": "route.add", "to": to, "protocol": 78, "metric": 50, "dev": "a0", "via": one }]));
        let found = ours(&sandbox, to);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(
            (&found[0]["index"], &found[0]["hops"]),
            (&json!(a), &json!([]))
        );
        let both = json!([{ "dev": "a0", "via": one }, { "dev": "b0", "via": two }]);
        sandbox.apply(&json!([route("route.add", both.clone())]));
        assert_eq!(ours(&sandbox, to).len(), 1);
        sandbox.apply(&json!([route("route.del", both)]));
        assert_eq!(ours(&sandbox, to), [] as [Value; 0]);
    }
}

#[test]
fn a_route_carries_mtu_mss_table_and_onlink() {
    let Some(sandbox) = Sandbox::with_links() else {
        return;
    };
    for (to, via) in [("10.9.0.0/16", "192.0.2.1"), ("fd00:9::/48", "2001:db8::1")] {
        let mut route = json!({ "op": "route.add", "to": to, "via": via, "dev": "a0", "protocol": 78, "table": 1000,
                                "metric": 7, "mtu": 1400, "advmss": 1300, "onlink": true });
        sandbox.apply(&json!([route]));
        let found = ours(&sandbox, to).remove(0);
        let seen = ["via", "table", "metric", "mtu", "advmss", "onlink", "type"]
            .map(|key| found[key].clone());
        let expected = [
            json!(via),
            json!(1000),
            json!(7),
            json!(1400),
            json!(1300),
            json!(true),
            json!("unicast"),
        ];
        assert_eq!(seen, expected);
        route["mtu"] = json!(1380);
        sandbox.apply(&json!([route]));
        let found = ours(&sandbox, to);
        assert_eq!((found.len(), &found[0]["mtu"]), (1, &json!(1380)));
        route["op"] = json!("route.del");
        sandbox.apply(&json!([route]));
        assert_eq!(ours(&sandbox, to).len(), 0);
    }
}

#[test]
fn routes_that_lead_nowhere_read_alike_in_both_families() {
    let Some(sandbox) = Sandbox::with_links() else {
        return;
    };
    for to in ["10.9.0.0/16", "fd00:9::/48"] {
        for kind in ["blackhole", "unreachable", "prohibit"] {
            let mut route =
                json!({ "op": "route.add", "to": to, "type": kind, "protocol": 78, "metric": 9 });
            sandbox.apply(&json!([route]));
            let found = ours(&sandbox, to);
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(
                (&found[0]["type"], &found[0]["index"]),
                (&json!(kind), &Value::Null)
            );
            route["op"] = json!("route.del");
            sandbox.apply(&json!([route]));
            assert_eq!(ours(&sandbox, to).len(), 0);
        }
    }
}

#[test]
fn contradictions_are_refused_by_name() {
    let Some(sandbox) = Sandbox::with_links() else {
        return;
    };
    for (route, reason) in [
        (json!({}), "a unicast route needs a dev, or hops"),
        (
            json!({ "dev": "a0", "hops": [{ "dev": "b0" }] }),
            "hops stand instead of dev and via",
        ),
        (
            json!({ "type": "blackhole", "dev": "a0" }),
            "only a unicast route leads somewhere",
        ),
        (
            json!({ "hops": [{ "dev": "a0", "weight": 0 }] }),
            "weight 0 of a hop is not between 1 and 256",
        ),
    ] {
        let mut request = json!({ "op": "route.add", "to": "10.9.0.0/16", "protocol": 78 });
        request
            .as_object_mut()
            .unwrap()
            .extend(route.as_object().unwrap().clone());
        assert_eq!(sandbox.refusal(&request)["message"], reason);
    }
    let gone = json!({ "op": "route.add", "to": "10.9.0.0/16", "protocol": 78, "hops": [{ "dev": "none" }] });
    assert_eq!(
        sandbox.refusal(&gone)["target"],
        "10.9.0.0/16 on none (hop on none)"
    );
}
