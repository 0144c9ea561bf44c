//! The hosts file (hosts(5)): a line for each address, with its names.

use std::net::IpAddr;

use super::name::Name;

/// All addresses of a name, in the order of the file. Lines that do not begin with an address are
/// skipped, as other readers do.
pub fn find(text: &str, name: &Name) -> Vec<IpAddr> {
    let mut found = Vec::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_ascii_whitespace();
        let Some(Ok(address)) = words.next().map(str::parse::<IpAddr>) else { continue };
        let is_it =
            |word: &str| word.strip_suffix('.').unwrap_or(word).eq_ignore_ascii_case(name.as_str());
        if words.any(is_it) && !found.contains(&address) {
            found.push(address);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::each_seed;

    const FILE: &str = "# all\r\n127.0.0.1\tlocalhost\n::1 localhost ip6-localhost\n\
        10.0.0.1 a.example VM1 # vm2\n10.0.0.2 vm1 vm2\n10.0.0.2 vm1\nnonsense vm1\n10.0.0.300 vm1\n10.0.0.9";

    fn find_in_file(name: &str) -> Vec<String> {
        let found = find(FILE, &Name::parse(name).unwrap());
        found.iter().map(IpAddr::to_string).collect()
    }

    #[test]
    fn all_lines_of_a_name_count() {
        assert_eq!(find_in_file("vm1"), ["10.0.0.1", "10.0.0.2"]);
        assert_eq!(find_in_file("localhost."), ["127.0.0.1", "::1"]);
        assert_eq!(find_in_file("vm2"), ["10.0.0.2"]);
        assert_eq!(find_in_file("vm3"), [""; 0]);
    }

    #[test]
    fn any_text_is_read() {
        let name = Name::parse("vm1").unwrap();
        each_seed(|seed| {
            let mut bytes = FILE.as_bytes().to_vec();
            seed.mutate(&mut bytes);
            find(&String::from_utf8_lossy(&bytes), &name);
        });
    }
}
