//! Characters that deceive: those that nobody sees, and letters of one script that look like those
//! of another.
//!
//! A name of a person is what other traders trust, so a new name with such a character is refused.
//! Other texts may have them, and are shown with the invisible ones escaped
//! ([`Escaped`](super::print::Escaped)). The check is made when somebody without an account sends a
//! command, before it comes into the log: names that are in old data stay as they are.
//!
//! After UTS 39 (Unicode Security Mechanisms), sections 3.1 and 5.2, with small tables instead of
//! the whole database. A word may have letters of only one of the scripts Latin, Greek, Cyrillic,
//! Armenian, Coptic and Cherokee, whose letters look like each other's.
//!
//! Left out: whole words of one script that look like words of another, characters that no version
//! of Unicode has assigned outside of whole planes, and normalisation.

use std::fmt;

use crate::text::is_hidden;

/// Why a name is refused: a character of it, and what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deception {
    /// Nobody sees the character, or it is no character.
    Invisible(char),
    /// The character is a letter of another script than the letters before it in the same word.
    Mixed(char, &'static str, &'static str),
}

impl fmt::Display for Deception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Deception::Invisible(c) => {
                write!(f, "the character U+{:04X} is not visible, or looks like another", c as u32)
            }
            Deception::Mixed(c, script, other) => write!(
                f,
                "the letter {c} (U+{:04X}) is {script}, and others in the same word are {other}",
                c as u32
            ),
        }
    }
}

/// Checks the name of a person.
///
/// # Errors
/// The first character that is not allowed in it.
pub fn check(name: &str) -> Result<(), Deception> {
    if name.is_ascii() {
        return Ok(());
    }
    let mut script_of_word = None;
    for c in name.chars() {
        if is_invisible(c) || is_styled(c) {
            return Err(Deception::Invisible(c));
        }
        let script = script(c);
        match (script_of_word, script) {
            (Some(before), Some(now)) if before != now => {
                return Err(Deception::Mixed(c, now, before));
            }
            (None, Some(_)) => script_of_word = script,
            _ if c.is_whitespace() || c.is_ascii_punctuation() => script_of_word = None,
            _ => (),
        }
    }
    Ok(())
}

/// Letters of mathematics, which look like Latin and Greek ones.
fn is_styled(c: char) -> bool {
    matches!(c, '\u{1d400}'..='\u{1d7ff}')
}

/// Whether a character has no visible form: format controls, fillers, selectors, private use, and
/// what is no character.
fn is_invisible(c: char) -> bool {
    let is_noncharacter = matches!(c, '\u{fdd0}'..='\u{fdef}') || c as u32 & 0xfffe == 0xfffe;
    let is_selector = matches!(c, '\u{fe00}'..='\u{fe0f}');
    let is_blank = c == '\u{2800}';
    // Private use, and planes that have no characters.
    let is_private = matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{40000}'..);
    is_hidden(c) || is_noncharacter || is_selector || is_blank || is_private
}

/// The script of a letter that looks like letters of other scripts.
fn script(c: char) -> Option<&'static str> {
    Some(match c {
        'a'..='z' | 'A'..='Z' => "Latin",
        '\u{aa}'
        | '\u{ba}'
        | '\u{c0}'..='\u{d6}'
        | '\u{d8}'..='\u{f6}'
        | '\u{f8}'..='\u{2af}'
        | '\u{1d00}'..='\u{1d25}'
        | '\u{1d62}'..='\u{1d65}'
        | '\u{1d6b}'..='\u{1d77}'
        | '\u{1d79}'..='\u{1dbe}'
        | '\u{1e00}'..='\u{1eff}'
        | '\u{2071}'
        | '\u{207f}'
        | '\u{2090}'..='\u{209c}'
        | '\u{212a}'
        | '\u{212b}'
        | '\u{2132}'
        | '\u{214e}'
        | '\u{2160}'..='\u{2188}'
        | '\u{2c60}'..='\u{2c7f}'
        | '\u{a722}'..='\u{a787}'
        | '\u{a78b}'..='\u{a7ff}'
        | '\u{ab30}'..='\u{ab64}'
        | '\u{fb00}'..='\u{fb06}'
        | '\u{ff21}'..='\u{ff3a}'
        | '\u{ff41}'..='\u{ff5a}' => "Latin",
        '\u{370}'..='\u{373}'
        | '\u{375}'..='\u{377}'
        | '\u{37a}'..='\u{37d}'
        | '\u{37f}'
        | '\u{384}'
        | '\u{386}'
        | '\u{388}'..='\u{3e1}'
        | '\u{3f0}'..='\u{3ff}'
        | '\u{1d26}'..='\u{1d2a}'
        | '\u{1f00}'..='\u{1ffe}'
        | '\u{2126}' => "Greek",
        '\u{400}'..='\u{52f}'
        | '\u{1c80}'..='\u{1c8f}'
        | '\u{1d2b}'
        | '\u{1d78}'
        | '\u{2de0}'..='\u{2dff}'
        | '\u{a640}'..='\u{a69f}' => "Cyrillic",
        '\u{531}'..='\u{58f}' | '\u{fb13}'..='\u{fb17}' => "Armenian",
        '\u{3e2}'..='\u{3ef}' | '\u{2c80}'..='\u{2cff}' => "Coptic",
        '\u{13a0}'..='\u{13ff}' | '\u{ab70}'..='\u{abbf}' => "Cherokee",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_scripts_are_taken() {
        for name in [
            "",
            "asha",
            "192.13.188.178:50051",
            "[2001:db8::1]:50051",
            "Zo\u{eb} M\u{fc}ller-\u{141}uk",
            "\u{410}\u{43d}\u{43d}\u{430}",
            "\u{410}\u{43d}\u{43d}\u{430} Schmidt",
            "\u{397}\u{3bb}\u{3af}\u{3b1}\u{3c2} Shop",
            "\u{9ed1}\u{8336} tea",
            "\u{6771}\u{4eac}Shop",
            "\u{92f}\u{93e}\u{926}\u{935}",
            "caf\u{65}\u{301}",
            "\u{1f460} heels",
        ] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn names_that_look_like_others_are_refused() {
        for (name, at) in [
            ("as\u{200b}ha", '\u{200b}'),
            ("asha\u{61c}", '\u{61c}'),
            ("asha\u{fe0f}", '\u{fe0f}'),
            ("as\u{200d}ha", '\u{200d}'),
            ("asha\u{e0061}", '\u{e0061}'),
            ("asha\u{e0101}", '\u{e0101}'),
            ("asha\u{e000}", '\u{e000}'),
            ("asha\u{ffff}", '\u{ffff}'),
            ("asha\u{1fffe}", '\u{1fffe}'),
            ("asha\u{3164}", '\u{3164}'),
            ("asha\u{ad}", '\u{ad}'),
            ("asha\u{2066}", '\u{2066}'),
            ("\u{1d41a}sha", '\u{1d41a}'),
        ] {
            assert_eq!(check(name), Err(Deception::Invisible(at)), "{name:?}");
        }
        let mixed = check("\u{430}sha").unwrap_err();
        assert_eq!(mixed, Deception::Mixed('s', "Latin", "Cyrillic"));
        assert_eq!(
            check("ash\u{430}").unwrap_err().to_string(),
            "the letter \u{430} (U+0430) is Cyrillic, and others in the same word are Latin"
        );
        for name in ["\u{3b1}sha", "as1h\u{430}", "asha\u{566}", "ash\u{13aa}"] {
            assert!(matches!(check(name), Err(Deception::Mixed(..))), "{name}");
        }
    }
}
