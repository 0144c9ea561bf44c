//! DNS messages: queries and answers (RFC 1035, section 4; RFC 3596).
//!
//! An answer is untrusted input. It is accepted only if its id and its question match the query.
//! Nothing is read beyond its end. A compressed name may only point backwards, so that following it
//! ends. The number of followed aliases is bounded.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::name::Name;

/// The address family of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A.
    V4,
    /// AAAA.
    V6,
}

/// The content of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The name, or the target of its alias, has these addresses: at least one, at most 32.
    Addresses {
        /// In the answer's order.
        addresses: Vec<IpAddr>,
        /// The time to live, in seconds.
        ttl_s: u32,
    },
    /// The name exists, and has no address of this family.
    NoAddress,
    /// The name does not exist.
    NoSuchName,
    /// The answer was truncated, because it does not fit into a datagram.
    Truncated,
    /// The server refused or failed: an RCODE other than 0 and 3.
    Refused(u8),
}

/// Why bytes are not an answer to the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerError {
    /// Not an answer, or to another query: the right one may still arrive.
    Unrelated,
    /// It is truncated or malformed.
    Malformed,
}

const HEADER_BYTES: usize = 12;
const MAX_NAME_BYTES: usize = 255;
const MAX_RECORDS: u16 = 512;
const MAX_ADDRESSES: usize = 32;
const MAX_ALIASES: usize = 16;
const CLASS_IN: u16 = 1;
const TYPE_CNAME: u16 = 5;
const RCODE_NO_SUCH_NAME: u8 = 3;

impl Family {
    fn record_type(self) -> u16 {
        match self {
            Family::V4 => 1,
            Family::V6 => 28,
        }
    }
}

/// Encodes a query for the addresses of a name, with recursion desired.
pub fn encode_query(id: u16, name: &Name, family: Family) -> Vec<u8> {
    let mut message = id.to_be_bytes().to_vec();
    // Flags: RD. One question, nothing else.
    message.extend([0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0]);
    message.extend(&WireName::of(name).0);
    message.extend(family.record_type().to_be_bytes());
    message.extend(CLASS_IN.to_be_bytes());
    message
}

/// Parses the answer to the query with this id, name and family.
///
/// # Errors
/// See [`AnswerError`].
pub fn parse_answer(
    message: &[u8],
    id: u16,
    name: &Name,
    family: Family,
) -> Result<Answer, AnswerError> {
    let mut reader = Reader { message, at: 0 };
    let header = reader.bytes(HEADER_BYTES).ok_or(AnswerError::Unrelated)?;
    let field = |at: usize| match header.get(at..at + 2) {
        Some(&[high, low]) => u16::from_be_bytes([high, low]),
        _ => 0,
    };
    let (flags, questions, records) = (field(2), field(4), field(6));
    let is_answer = flags & 0x8000 != 0 && flags & 0x7800 == 0;
    if field(0) != id || !is_answer {
        return Err(AnswerError::Unrelated);
    }
    let rcode = (flags & 0xf) as u8;
    // A server that could not parse the question need not repeat it.
    if questions == 0 && !matches!(rcode, 0 | RCODE_NO_SUCH_NAME) {
        return Ok(Answer::Refused(rcode));
    }
    let asked = WireName::of(name);
    let question = (reader.name(), reader.u16(), reader.u16());
    let ours = (Some(asked.clone()), Some(family.record_type()), Some(CLASS_IN));
    if questions != 1 || question != ours {
        return Err(AnswerError::Unrelated);
    }
    match rcode {
        0 if flags & 0x0200 != 0 => Ok(Answer::Truncated),
        0 => addresses(&mut reader, records, asked, family).ok_or(AnswerError::Malformed),
        RCODE_NO_SUCH_NAME => Ok(Answer::NoSuchName),
        rcode => Ok(Answer::Refused(rcode)),
    }
}

/// Collects the addresses of a name from the answer section.
fn addresses(
    reader: &mut Reader<'_>,
    records: u16,
    mut name: WireName,
    family: Family,
) -> Option<Answer> {
    let records: Option<Vec<Record>> =
        (0..records.min(MAX_RECORDS)).map(|_| reader.record(family)).collect();
    let records = records?;
    let mut ttl_s = u32::MAX;
    for _ in 0..=MAX_ALIASES {
        let own = || records.iter().filter(|record| record.owner == name);
        let found = own().filter_map(|record| match record.data {
            Data::Address(address) => Some((address, record.ttl_s)),
            _ => None,
        });
        let found: Vec<(IpAddr, u32)> = found.take(MAX_ADDRESSES).collect();
        if !found.is_empty() {
            let ttl_s = found.iter().map(|(_, ttl_s)| *ttl_s).fold(ttl_s, u32::min);
            let addresses = found.into_iter().map(|(address, _)| address).collect();
            return Some(Answer::Addresses { addresses, ttl_s });
        }
        let alias = own().find_map(|record| match &record.data {
            Data::Alias(target) => Some((target.clone(), record.ttl_s)),
            _ => None,
        });
        let Some((target, alias_ttl_s)) = alias else { return Some(Answer::NoAddress) };
        (name, ttl_s) = (target, ttl_s.min(alias_ttl_s));
    }
    None
}

struct Record {
    owner: WireName,
    ttl_s: u32,
    data: Data,
}

enum Data {
    Address(IpAddr),
    Alias(WireName),
    Other,
}

/// A name in wire format, uncompressed and in lower case: length-prefixed labels, and a zero.
#[derive(Clone, Debug, PartialEq, Eq)]
struct WireName(Vec<u8>);

impl WireName {
    fn of(name: &Name) -> WireName {
        let mut bytes = Vec::with_capacity(MAX_NAME_BYTES);
        for label in name.labels() {
            // 63 at most.
            bytes.push(label.len() as u8);
            bytes.extend(label.as_bytes());
        }
        bytes.push(0);
        WireName(bytes)
    }
}

struct Reader<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let bytes = self.message.get(self.at..self.at.checked_add(count)?)?;
        self.at += count;
        Some(bytes)
    }

    fn u8(&mut self) -> Option<u8> {
        self.bytes(1)?.first().copied()
    }

    fn u16(&mut self) -> Option<u16> {
        self.bytes(2)?.try_into().ok().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.bytes(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// A name, compressed or not (RFC 1035, section 4.1.4). A pointer must lead to before the
    /// labels that it ends, so that following it terminates.
    fn name(&mut self) -> Option<WireName> {
        let mut name = Vec::new();
        let mut follows = Reader { message: self.message, at: self.at };
        let mut begins_at = self.at;
        let mut is_compressed = false;
        loop {
            let length = follows.u8()?;
            match length >> 6 {
                0 => {
                    name.push(length);
                    if length == 0 {
                        break;
                    }
                    name.extend(follows.bytes(usize::from(length))?.to_ascii_lowercase());
                    if name.len() >= MAX_NAME_BYTES {
                        return None;
                    }
                }
                0b11 => {
                    let to = usize::from(length & 0x3f) << 8 | usize::from(follows.u8()?);
                    if to >= begins_at {
                        return None;
                    }
                    if !is_compressed {
                        self.at = follows.at;
                        is_compressed = true;
                    }
                    (begins_at, follows.at) = (to, to);
                }
                _ => return None,
            }
        }
        if !is_compressed {
            self.at = follows.at;
        }
        Some(WireName(name))
    }

    fn record(&mut self, family: Family) -> Option<Record> {
        let owner = self.name()?;
        let (kind, class) = (self.u16()?, self.u16()?);
        // RFC 2181, section 8: a TTL with the highest bit set is zero.
        let ttl_s = self.u32().map(|ttl_s| if ttl_s >> 31 == 0 { ttl_s } else { 0 })?;
        let length = usize::from(self.u16()?);
        let begins_at = self.at;
        let bytes = self.bytes(length)?;
        let data = match (kind, family) {
            _ if class != CLASS_IN => Data::Other,
            (TYPE_CNAME, _) => {
                let mut target = Reader { message: self.message, at: begins_at };
                let name = target.name()?;
                (target.at == self.at).then_some(Data::Alias(name))?
            }
            (1, Family::V4) => {
                Data::Address(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).into())
            }
            (28, Family::V6) => {
                Data::Address(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).into())
            }
            _ => Data::Other,
        };
        Some(Record { owner, ttl_s, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::each_seed;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    /// An answer to a query, with a record for each (owner, type, ttl, data).
    fn reply(query: &[u8], flags: u16, records: &[(&[u8], u16, u32, &[u8])]) -> Vec<u8> {
        let mut message = query.to_vec();
        message[2..4].copy_from_slice(&(0x8180 | flags).to_be_bytes());
        message[6..8].copy_from_slice(&(records.len() as u16).to_be_bytes());
        for (owner, kind, ttl_s, data) in records {
            message.extend(*owner);
            message.extend(kind.to_be_bytes());
            message.extend(CLASS_IN.to_be_bytes());
            message.extend(ttl_s.to_be_bytes());
            message.extend((data.len() as u16).to_be_bytes());
            message.extend(*data);
        }
        message
    }

    /// A pointer to the name of the question.
    const QUESTION_NAME: &[u8] = &[0xc0, 12];

    fn addresses_of(answer: Result<Answer, AnswerError>) -> (Vec<String>, u32) {
        match answer {
            Ok(Answer::Addresses { addresses, ttl_s }) => {
                (addresses.iter().map(IpAddr::to_string).collect(), ttl_s)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_query_follows_rfc_1035() {
        let bytes = encode_query(0x1234, &name("vm1.Example"), Family::V6);
        let wanted = b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0\x03vm1\x07example\0\0\x1c\0\x01";
        assert_eq!(bytes, wanted);
    }

    #[test]
    fn addresses_of_both_families_are_read() {
        let asked = encode_query(7, &name("vm1"), Family::V4);
        let records: [(&[u8], u16, u32, &[u8]); 3] = [
            (QUESTION_NAME, 1, 60, &[10, 0, 0, 1]),
            (b"\x03VM1\0", 1, 30, &[10, 0, 0, 2]),
            (b"\x05other\0", 1, 1, &[10, 0, 0, 3]),
        ];
        let read = parse_answer(&reply(&asked, 0, &records), 7, &name("vm1"), Family::V4);
        assert_eq!(addresses_of(read), (vec!["10.0.0.1".into(), "10.0.0.2".into()], 30));

        let asked = encode_query(7, &name("vm1"), Family::V6);
        let loopback = Ipv6Addr::LOCALHOST.octets();
        let message = reply(&asked, 0, &[(QUESTION_NAME, 28, u32::MAX, &loopback)]);
        assert_eq!(addresses_of(parse_answer(&message, 7, &name("vm1"), Family::V6)).0, ["::1"]);
    }

    #[test]
    fn aliases_are_followed_in_any_order_and_not_for_ever() {
        let asked = encode_query(7, &name("www.a"), Family::V4);
        let read =
            |records: &[_]| parse_answer(&reply(&asked, 0, records), 7, &name("www.a"), Family::V4);
        let found = read(&[
            (b"\x01c\0", 1, 60, &[10, 0, 0, 1]),
            (b"\x01b\0", TYPE_CNAME, 5, b"\x01c\0"),
            (QUESTION_NAME, TYPE_CNAME, 20, b"\x01b\0"),
        ]);
        assert_eq!(addresses_of(found), (vec!["10.0.0.1".into()], 5));
        // The record's data points to a part of the question: "a".
        let found = read(&[
            (QUESTION_NAME, TYPE_CNAME, 20, &[0xc0, 16]),
            (&[0xc0, 16], 1, 9, &[1, 2, 3, 4]),
        ]);
        assert_eq!(addresses_of(found), (vec!["1.2.3.4".into()], 9));
        let leads_nowhere = read(&[(QUESTION_NAME, TYPE_CNAME, 5, b"\x01b\0")]);
        assert_eq!(leads_nowhere, Ok(Answer::NoAddress));
        let around = read(&[
            (QUESTION_NAME, TYPE_CNAME, 5, b"\x01b\0"),
            (b"\x01b\0", TYPE_CNAME, 5, QUESTION_NAME),
        ]);
        assert_eq!(around, Err(AnswerError::Malformed));
    }

    #[test]
    fn an_answer_to_another_query_is_unrelated() {
        let asked = encode_query(7, &name("vm1"), Family::V4);
        let good = reply(&asked, 0, &[(QUESTION_NAME, 1, 60, &[10, 0, 0, 1])]);
        let is_foreign = |message: &[u8]| {
            assert_eq!(
                parse_answer(message, 7, &name("vm1"), Family::V4),
                Err(AnswerError::Unrelated)
            );
        };
        is_foreign(&asked);
        is_foreign(&[]);
        is_foreign(&good[..11]);
        for (at, byte) in
            [(1, 8), (2, 0x01), (2, 0x91), (5, 2), (5, 0), (13, b'w'), (18, 28), (20, 3)]
        {
            let mut other = good.clone();
            other[at] = byte;
            is_foreign(&other);
        }
        let mut upper = good;
        upper[13] = b'V';
        assert!(parse_answer(&upper, 7, &name("vm1"), Family::V4).is_ok());
    }

    #[test]
    fn answers_without_addresses_are_distinguished() {
        let asked = encode_query(7, &name("vm1"), Family::V4);
        for (flags, said) in [
            (0, Answer::NoAddress),
            (3, Answer::NoSuchName),
            (2, Answer::Refused(2)),
            (5, Answer::Refused(5)),
            (0x0200, Answer::Truncated),
        ] {
            let read = parse_answer(&reply(&asked, flags, &[]), 7, &name("vm1"), Family::V4);
            assert_eq!(read, Ok(said));
        }
        let mut without_question = reply(&asked, 1, &[]);
        without_question.truncate(12);
        without_question[5] = 0;
        let read = parse_answer(&without_question, 7, &name("vm1"), Family::V4);
        assert_eq!(read, Ok(Answer::Refused(1)));
    }

    #[test]
    fn a_name_that_points_to_itself_or_ahead_is_malformed() {
        let asked = encode_query(7, &name("vm1"), Family::V4);
        let here = asked.len() as u8;
        for owner in [
            vec![0xc0, here],
            vec![0xc0, here + 2],
            vec![1, b'a', 0xc0, here],
            vec![0xff, 0xff],
            vec![0x40, 0],
            vec![0x80, 0],
        ] {
            let message = reply(&asked, 0, &[(&owner, 1, 60, &[10, 0, 0, 1])]);
            let read = parse_answer(&message, 7, &name("vm1"), Family::V4);
            assert_eq!(read, Err(AnswerError::Malformed), "{owner:?}");
        }
        // Names that are built from backward pointers, one label each, become too long before they
        // end.
        let mut message = reply(&asked, 0, &[]);
        message[6..8].copy_from_slice(&300_u16.to_be_bytes());
        let mut points_to = 12_u16;
        for _ in 0..300 {
            let at = message.len() as u16;
            message.extend([1, b'a']);
            message.extend((0xc000 | points_to).to_be_bytes());
            message.extend([0, 1, 0, 1, 0, 0, 0, 1, 0, 0]);
            points_to = at;
        }
        assert_eq!(
            parse_answer(&message, 7, &name("vm1"), Family::V4),
            Err(AnswerError::Malformed)
        );
    }

    #[test]
    fn addresses_of_the_wrong_size_are_malformed() {
        let asked = encode_query(7, &name("vm1"), Family::V4);
        for data in [&[][..], &[1, 2, 3], &[1, 2, 3, 4, 5]] {
            let message = reply(&asked, 0, &[(QUESTION_NAME, 1, 60, data)]);
            let read = parse_answer(&message, 7, &name("vm1"), Family::V4);
            assert_eq!(read, Err(AnswerError::Malformed));
        }
    }

    #[test]
    fn damaged_answers_are_safe_to_parse() {
        let asked = encode_query(7, &name("www.a"), Family::V6);
        let loopback = Ipv6Addr::LOCALHOST.octets();
        let good = reply(
            &asked,
            0,
            &[
                (QUESTION_NAME, TYPE_CNAME, 20, &[1, b'b', 0xc0, 16]),
                (&[0xc0, 16], 1, 9, &[1, 2, 3, 4]),
                (b"\x01b\x01a\0", 28, 60, &loopback),
            ],
        );
        assert_eq!(addresses_of(parse_answer(&good, 7, &name("www.a"), Family::V6)).0, ["::1"]);
        each_seed(|seed| {
            let mut message = good.clone();
            seed.mutate(&mut message);
            if let Ok(Answer::Addresses { addresses, .. }) =
                parse_answer(&message, 7, &name("www.a"), Family::V6)
            {
                assert!((1..=MAX_ADDRESSES).contains(&addresses.len()));
            }
        });
    }
}
