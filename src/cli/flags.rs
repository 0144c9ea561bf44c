//! Flags: parsing, shared by all commands.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use getopts::{Matches, Options};

use super::Failure;

/// The flags of one command.
pub(super) struct Flags {
    options: Options,
    brief: String,
}

/// A parsed command line.
pub(super) struct Parsed {
    matches: Matches,
    usage: String,
}

impl Flags {
    /// The flags of a command, with its usage line and its description.
    pub(super) fn new(usage: &str, about: &str) -> Flags {
        let mut options = Options::new();
        options.optflag("h", "help", "print this help");
        Flags { options, brief: format!("Usage: {usage}\n\n{about}") }
    }

    /// A flag with a value.
    pub(super) fn value(mut self, name: &str, help: &str, hint: &str) -> Flags {
        self.options.optopt("", name, help, hint);
        self
    }

    /// A flag with a value and a short form.
    pub(super) fn lettered_value(
        mut self,
        letter: char,
        name: &str,
        help: &str,
        hint: &str,
    ) -> Flags {
        self.options.optopt(&letter.to_string(), name, help, hint);
        self
    }

    /// A flag with a value that may be given several times.
    pub(super) fn values(mut self, name: &str, help: &str, hint: &str) -> Flags {
        self.options.optmulti("", name, help, hint);
        self
    }

    /// A flag with a short form, without a value.
    pub(super) fn lettered_switch(mut self, letter: char, name: &str, help: &str) -> Flags {
        self.options.optflag(&letter.to_string(), name, help);
        self
    }

    /// A flag without a value.
    pub(super) fn switch(mut self, name: &str, help: &str) -> Flags {
        self.options.optflag("", name, help);
        self
    }

    /// Stops at the first argument that is not a flag; the words behind it belong to it.
    pub(super) fn until_first_argument(mut self) -> Flags {
        self.options.parsing_style(getopts::ParsingStyle::StopAtFirstFree);
        self
    }

    /// Parses a command line.
    pub(super) fn parse(self, arguments: &[String]) -> Result<Parsed, Failure> {
        let usage = self.options.usage(&self.brief);
        let matches = self.options.parse(arguments).map_err(|error| wrong_usage(error, &usage))?;
        if matches.opt_present("help") {
            return Err(Failure::Help(usage));
        }
        Ok(Parsed { matches, usage })
    }
}

/// The reason and the usage line. The whole help text would scroll the reason off the screen.
fn wrong_usage(reason: impl Display, help: &str) -> Failure {
    let usage = help.split("\n\n").next().unwrap_or_default();
    Failure::Usage(format!("agora: {reason}\n\n{usage}\n\n--help explains all flags."))
}

impl Parsed {
    /// Wrong usage, with the reason.
    pub(super) fn wrong(&self, reason: impl Display) -> Failure {
        wrong_usage(reason, &self.usage)
    }

    /// Whether a flag without a value is given.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.matches.opt_present(name)
    }

    /// The text of a flag.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.matches.opt_str(name)
    }

    /// The texts of a flag that may be given several times.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        self.matches.opt_strs(name)
    }

    /// The text of a required flag.
    pub(super) fn required(&self, name: &str) -> Result<String, Failure> {
        self.text(name).ok_or_else(|| self.wrong(format!("--{name} is required")))
    }

    /// A flag's value, or its default.
    pub(super) fn parsed<T>(&self, name: &str, default: T) -> Result<T, Failure>
    where
        T: FromStr,
        T::Err: Display,
    {
        let Some(text) = self.text(name) else { return Ok(default) };
        text.parse().map_err(|error| self.wrong(format!("--{name} {text:?}: {error}")))
    }

    /// A number within bounds, or its default.
    pub(super) fn number(
        &self,
        name: &str,
        default: u64,
        bounds: std::ops::RangeInclusive<u64>,
    ) -> Result<u64, Failure> {
        let number = self.parsed(name, default)?;
        if bounds.contains(&number) {
            return Ok(number);
        }
        let (low, high) = bounds.into_inner();
        Err(self.wrong(format!("--{name} {number}: expected {low} to {high}")))
    }

    /// A probability, from 0 to 1; 0 if it is not given.
    pub(super) fn probability(&self, name: &str) -> Result<f64, Failure> {
        let probability = self.parsed(name, 0.0)?;
        if (0.0..=1.0).contains(&probability) {
            return Ok(probability);
        }
        Err(self.wrong(format!("--{name} {probability}: expected 0 to 1")))
    }

    /// A duration above zero in seconds, fractions allowed, or its default.
    pub(super) fn seconds(&self, name: &str, default: Duration) -> Result<Duration, Failure> {
        let seconds = self.parsed(name, default.as_secs_f64())?;
        match Duration::try_from_secs_f64(seconds) {
            Ok(duration) if !duration.is_zero() => Ok(duration),
            _ => Err(self.wrong(format!("--{name} {seconds}: expected a time above zero"))),
        }
    }

    /// As [`seconds`](Self::seconds), but zero is allowed.
    pub(super) fn seconds_or_none(
        &self,
        name: &str,
        default: Duration,
    ) -> Result<Duration, Failure> {
        let seconds = self.parsed(name, default.as_secs_f64())?;
        let wrong = |_| self.wrong(format!("--{name} {seconds}: expected a time, 0 or more"));
        Duration::try_from_secs_f64(seconds).map_err(wrong)
    }

    /// The arguments that are not flags.
    pub(super) fn free(&self) -> &[String] {
        &self.matches.free
    }

    /// Refuses arguments that are not flags.
    pub(super) fn no_arguments(&self) -> Result<(), Failure> {
        match self.free().first() {
            None => Ok(()),
            Some(argument) => Err(self.wrong(format!("unexpected argument {argument:?}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &[&str]) -> Result<Parsed, Failure> {
        let arguments: Vec<String> = line.iter().map(|&word| word.to_owned()).collect();
        Flags::new("agora x", "Does x.")
            .value("count", "how many", "N")
            .value("for", "how long", "SECONDS")
            .parse(&arguments)
    }

    #[test]
    fn flags_are_read_with_their_bounds() {
        let parsed = parse(&["--count", "7", "rest"]).ok().unwrap();
        assert_eq!(parsed.number("count", 1, 1..=10).unwrap(), 7);
        assert_eq!(parsed.free(), ["rest"]);
        assert!(matches!(parsed.number("count", 1, 1..=6), Err(Failure::Usage(_))));
        assert!(matches!(parsed.no_arguments(), Err(Failure::Usage(_))));
        assert!(matches!(parsed.required("for"), Err(Failure::Usage(_))));
    }

    #[test]
    fn invalid_values_are_wrong_usage() {
        for line in [["--count", "many"], ["--count", "-1"], ["--for", "0"], ["--for", "NaN"]] {
            let parsed = parse(&line).ok().unwrap();
            let count = parsed.number("count", 1, 1..=10).is_err();
            let time = parsed.seconds("for", Duration::from_secs(1)).is_err();
            assert!(count || time, "{line:?}");
        }
        let Err(Failure::Usage(said)) = parse(&["--what"]) else { panic!() };
        let reason = "agora: Unrecognized option: 'what'";
        assert_eq!(said, format!("{reason}\n\nUsage: agora x\n\n--help explains all flags."));
        assert!(matches!(parse(&["--help"]), Err(Failure::Help(text)) if text.contains("Does x.")));
    }
}
