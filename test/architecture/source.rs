//! Reads Rust source just far enough to judge it: code without comments and literals, the parts
//! that only tests see, and the paths that are named.

use std::ops::Range;

/// A path in the code, `std::fs::read` or one branch of a `use` tree, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPath {
    /// 1-based line.
    pub line: usize,
    /// The parts between the `::`; `*` stands for itself.
    pub parts: Vec<String>,
    /// Followed by `!`.
    pub is_macro: bool,
    /// How many inline modules (`mod name { }`) are open around it.
    pub inline_modules: usize,
}

/// The text with comments, strings and character literals blanked; every line keeps its number.
pub fn code_only(text: &str) -> String {
    let mut code = text.as_bytes().to_vec();
    let mut at = 0;
    while at < code.len() {
        match literal_or_comment(text.as_bytes(), at) {
            Some(range) => {
                at = range.end;
                blank(&mut code, range);
            }
            None => at += 1,
        }
    }
    String::from_utf8_lossy(&code).into_owned()
}

/// The code with everything blanked that stands under `#[cfg(test)]`.
pub fn without_tests(code: &str) -> String {
    let mut kept = code.as_bytes().to_vec();
    let mut from = 0;
    while let Some(found) = code[from..].find("#[cfg(test)]") {
        let start = from + found;
        let end = item_end(code.as_bytes(), start + "#[cfg(test)]".len());
        blank(&mut kept, start..end);
        from = end;
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// The names of `#[cfg(test)] mod name;`: modules in files of their own that only tests see.
pub fn test_modules(code: &str) -> Vec<String> {
    let parts = code.split("#[cfg(test)]").skip(1);
    parts
        .filter_map(|after| {
            let (declaration, _) = after.split_once(';')?;
            let name = declaration.split("mod ").last()?.trim();
            let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_');
            (declaration.contains("mod ") && is_name).then(|| name.to_owned())
        })
        .collect()
}

/// Where the item that follows an attribute ends: at its `;`, or at the brace that closes it.
fn item_end(code: &[u8], from: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, byte) in code[from..].iter().enumerate() {
        match byte {
            b'{' | b'[' | b'(' => depth += 1,
            b'}' if depth == 0 => return from + offset,
            b'}' | b']' | b')' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && *byte == b'}' {
                    return from + offset + 1;
                }
            }
            b';' if depth == 0 => return from + offset + 1,
            _ => {}
        }
    }
    code.len()
}

fn blank(code: &mut [u8], range: Range<usize>) {
    for byte in &mut code[range] {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
}

/// The comment or literal that begins at `at`, if one does.
fn literal_or_comment(text: &[u8], at: usize) -> Option<Range<usize>> {
    let rest = &text[at..];
    let end = match rest {
        [b'/', b'/', ..] => rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len()),
        [b'/', b'*', ..] => block_comment(rest),
        [b'"', ..] => quoted(rest, b'"'),
        [b'r', ..] if begins_word(text, at) => raw_string(rest)?,
        [b'\'', b'\\', ..] => quoted(rest, b'\''),
        [b'\'', ..] => character(rest)?,
        _ => return None,
    };
    Some(at..at + end)
}

/// A character literal and not a lifetime: one character, then the closing quote.
fn character(rest: &[u8]) -> Option<usize> {
    let first = *rest.get(1)?;
    let width = match first {
        0..0x80 => 1,
        0x80..0xe0 => 2,
        0xe0..0xf0 => 3,
        _ => 4,
    };
    (rest.get(1 + width) == Some(&b'\'')).then_some(width + 2)
}

/// Whether the byte at `at` begins a word, `b` and `c` of `br"` and `cr"` left aside.
fn begins_word(text: &[u8], at: usize) -> bool {
    let in_word = |i: usize| text[i].is_ascii_alphanumeric() || text[i] == b'_';
    match at {
        0 => true,
        _ if !in_word(at - 1) => true,
        _ if matches!(text[at - 1], b'b' | b'c') => at == 1 || !in_word(at - 2),
        _ => false,
    }
}

fn raw_string(rest: &[u8]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|b| **b == b'#').count();
    if rest.get(1 + hashes) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.resize(1 + hashes, b'#');
    let body = &rest[2 + hashes..];
    let inside = body.windows(close.len()).position(|w| w == close);
    Some(inside.map_or(rest.len(), |n| 2 + hashes + n + close.len()))
}

fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b if b == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    PathSeparator,
    Sign(char),
}

fn tokens(code: &str) -> Vec<(usize, Token)> {
    let mut tokens = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let mut chars = line.char_indices().peekable();
        while let Some((start, c)) = chars.next() {
            let token = if c.is_alphanumeric() || c == '_' {
                let mut end = start + c.len_utf8();
                while let Some((at, c)) = chars.next_if(|(_, c)| c.is_alphanumeric() || *c == '_') {
                    end = at + c.len_utf8();
                }
                Token::Word(line[start..end].to_owned())
            } else if c == ':' && chars.next_if(|(_, c)| *c == ':').is_some() {
                Token::PathSeparator
            } else if c.is_whitespace() {
                continue;
            } else {
                Token::Sign(c)
            };
            tokens.push((index + 1, token));
        }
    }
    tokens
}

/// Every path that `code` names; a `use` tree gives one for each of its leaves.
pub fn paths(code: &str) -> Vec<NamedPath> {
    let mut walk = Walk { tokens: tokens(code), at: 0, depth: 0, inline: Vec::new() };
    let mut found = Vec::new();
    while let Some((_, token)) = walk.tokens.get(walk.at).cloned() {
        match token {
            Token::Word(word) if word == "use" => {
                walk.at += 1;
                walk.use_tree(&mut Vec::new(), &mut found);
            }
            Token::Word(word) => {
                if word == "mod"
                    && walk.tokens.get(walk.at + 2).map(|t| &t.1) == Some(&Token::Sign('{'))
                {
                    walk.inline.push(walk.depth);
                }
                walk.plain_path(&mut found);
            }
            Token::Sign('{') => (walk.depth, walk.at) = (walk.depth + 1, walk.at + 1),
            Token::Sign('}') => {
                walk.depth = walk.depth.saturating_sub(1);
                walk.inline.pop_if(|opened_at| *opened_at == walk.depth);
                walk.at += 1;
            }
            _ => walk.at += 1,
        }
    }
    found
}

struct Walk {
    tokens: Vec<(usize, Token)>,
    at: usize,
    depth: usize,
    /// The brace depth at which each open inline module began.
    inline: Vec<usize>,
}

impl Walk {
    fn token(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn path(&self, line: usize, parts: Vec<String>) -> NamedPath {
        let is_macro = self.token() == Some(&Token::Sign('!'));
        NamedPath { line, parts, is_macro, inline_modules: self.inline.len() }
    }

    fn plain_path(&mut self, found: &mut Vec<NamedPath>) {
        let line = self.tokens[self.at].0;
        let mut parts = Vec::new();
        while let Some(Token::Word(word)) = self.token() {
            parts.push(word.clone());
            self.at += 1;
            if self.token() != Some(&Token::PathSeparator) {
                break;
            }
            self.at += 1;
        }
        found.push(self.path(line, parts));
    }

    /// One branch of a `use` tree, from a name to its `,`, `}` or `;`.
    fn use_tree(&mut self, prefix: &mut Vec<String>, found: &mut Vec<NamedPath>) {
        let depth = prefix.len();
        while let Some((line, token)) = self.tokens.get(self.at).cloned() {
            match token {
                Token::Word(word) if word == "as" => self.at += 2,
                Token::Word(word) => {
                    prefix.push(word);
                    self.at += 1;
                    if self.token() != Some(&Token::PathSeparator) {
                        found.push(self.path(line, prefix.clone()));
                    }
                }
                Token::Sign('*') => {
                    prefix.push("*".to_owned());
                    self.at += 1;
                    found.push(self.path(line, prefix.clone()));
                }
                Token::Sign('{') => {
                    self.at += 1;
                    while !matches!(self.token(), None | Some(Token::Sign('}'))) {
                        let before = self.at;
                        self.use_tree(prefix, found);
                        if self.token() == Some(&Token::Sign(',')) || self.at == before {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                }
                Token::PathSeparator => self.at += 1,
                _ => break,
            }
        }
        prefix.truncate(depth);
    }
}
