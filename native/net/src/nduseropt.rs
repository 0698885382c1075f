//! Options of router advertisements that the kernel passes on and does not use itself: name servers and search lists (RFC 8106).
//! They are told once, as they come, and cannot be asked for.

use std::net::Ipv6Addr;

use serde::Serialize;

use crate::attribute::{array, read_u16, read_u32};

/// `struct nduseroptmsg`
const HEADER: usize = 16;
const ND_ROUTER_ADVERT: u8 = 134;
const ND_OPT_RDNSS: u8 = 25;
const ND_OPT_DNSSL: u8 = 31;
/// Of an RDNSS or DNSSL option, before addresses or names.
const OPTION_HEADER: usize = 8;

/// One option.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct RouterOption {
    /// Index of the link that heard it.
    pub(crate) index: u32,
    /// `dns` or `search`.
    pub(crate) r#type: &'static str,
    /// Addresses, or domain names.
    pub(crate) values: Vec<String>,
    /// Seconds from now; 0 takes them back, 4294967295 is for ever.
    pub(crate) lifetime: u32,
}

/// The option in the body of an `RTM_NEWNDUSEROPT`; `None` when it is another one, or malformed.
pub(crate) fn parse(body: &[u8]) -> Option<RouterOption> {
    let length = usize::from(read_u16(body, 2)?);
    let index = read_u32(body, 4)?;
    if *body.get(8)? != ND_ROUTER_ADVERT {
        return None;
    }
    let option = body.get(HEADER..HEADER.checked_add(length)?)?;
    // Its length is told in units of 8 bytes.
    let option = option.get(..usize::from(*option.get(1)?) * 8)?;
    let lifetime = u32::from_be_bytes(array(option, 4)?);
    let rest = option.get(OPTION_HEADER..)?;
    let (r#type, values) = match *option.first()? {
        ND_OPT_RDNSS => ("dns", addresses(rest)),
        ND_OPT_DNSSL => ("search", names(rest)?),
        _ => return None,
    };
    Some(RouterOption {
        index,
        r#type,
        values,
        lifetime,
    })
}

fn addresses(rest: &[u8]) -> Vec<String> {
    let addresses = rest.chunks_exact(16);
    let addresses = addresses.filter_map(|octets| array::<16>(octets, 0));
    addresses
        .map(|octets| Ipv6Addr::from(octets).to_string())
        .collect()
}

/// Names as RFC 1035, 3.1 writes them, without compression; zeros fill the end. `None` when a label is cut off, or is no text.
fn names(mut rest: &[u8]) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut labels: Vec<&str> = Vec::new();
    while let Some((&length, after)) = rest.split_first() {
        let label = after.get(..usize::from(length))?;
        rest = after.get(usize::from(length)..)?;
        if !label.is_empty() {
            let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            labels.push(
                std::str::from_utf8(label)
                    .ok()
                    .filter(|_| label.iter().all(plain))?,
            );
        } else if !labels.is_empty() {
            names.push(labels.join("."));
            labels.clear();
        }
    }
    labels.is_empty().then_some(names)
}

#[cfg(test)]
mod tests {
    use super::{RouterOption, parse};

    fn message(option: &[u8]) -> Vec<u8> {
        let length = u8::try_from(option.len()).unwrap();
        let header = [10, 0, length, 0, 7, 0, 0, 0, 134, 0, 0, 0, 0, 0, 0, 0];
        [header.as_slice(), option].concat()
    }

    fn servers() -> Vec<u8> {
        let mut option = vec![25, 5, 0, 0, 0, 0, 0x0e, 0x10];
        option.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x53]);
        option.extend([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        message(&option)
    }

    fn list() -> Vec<u8> {
        let mut option = vec![31, 4, 0, 0, 0xff, 0xff, 0xff, 0xff];
        option.extend(b"\x03lab\x07example\0\x03org\0");
        option.resize(32, 0);
        message(&option)
    }

    #[test]
    fn reads_name_servers_and_search_lists() {
        let servers = parse(&servers());
        let expected = RouterOption {
            index: 7,
            r#type: "dns",
            values: vec!["2001:db8::53".to_owned(), "fe80::1".to_owned()],
            lifetime: 3600,
        };
        assert_eq!(servers, Some(expected));
        let list = parse(&list()).unwrap();
        assert_eq!(list.values, ["lab.example", "org"]);
        assert_eq!(list.lifetime, u32::MAX);
    }

    #[test]
    fn other_options_and_text_that_is_no_name_are_left_out() {
        assert_eq!(parse(&message(&[24, 1, 0, 0, 0, 0, 0, 9])), None);
        for name in [
            b"\x03a b\0\0\0\0",
            b"\x03a\n.\0\0\0\0",
            b"\x40aaaaaaa",
            b"\x02ab\x03ab\0\0",
        ] {
            let option = [[31, 2, 0, 0, 0, 0, 0, 9].as_slice(), name].concat();
            assert_eq!(parse(&message(&option)), None, "{name:?}");
        }
    }

    #[test]
    fn survives_every_truncation_and_every_wrong_length() {
        for message in [servers(), list()] {
            crate::fuzz::mangle(&message, |bytes| drop(parse(bytes)));
        }
    }
}
