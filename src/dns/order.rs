//! The order in which the addresses of a name are tried.

use std::net::IpAddr;

/// Alternates the families, beginning with that of the first address (RFC 8305, section 4), so that
/// a family without a route delays the other by one attempt.
pub fn interleave(addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let Some(first) = addresses.first() else { return addresses };
    let (first_is_v6, count) = (first.is_ipv6(), addresses.len());
    let (first, second): (Vec<IpAddr>, Vec<IpAddr>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut order = Vec::with_capacity(count);
    while order.len() < count {
        order.extend(first.next());
        order.extend(second.next());
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(addresses: &[&str]) -> Vec<String> {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        interleave(addresses).iter().map(IpAddr::to_string).collect()
    }

    #[test]
    fn families_alternate() {
        assert_eq!(order(&[]), [""; 0]);
        let given = ["::1", "::2", "::3", "1.1.1.1", "1.1.1.2"];
        assert_eq!(order(&given), ["::1", "1.1.1.1", "::2", "1.1.1.2", "::3"]);
        assert_eq!(order(&["1.1.1.1", "1.1.1.2", "::1"]), ["1.1.1.1", "::1", "1.1.1.2"]);
    }
}
