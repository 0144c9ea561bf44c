//! `agora market-admin`: the operator of a market blocks, removes and restores accounts and items.

use std::cell::OnceCell;
use std::time::Duration;

use super::flags::{Flags, Parsed};
use super::shell::{self, print_line, print_note};
use super::trade::{all_pages, item_id, refused};
use super::{Failure, connect};
use crate::market::client::AdminClient;
use crate::market::print::Escaped;
use crate::market::state::{Standing, StandingChange};
use crate::session::Protocol;

type Verb = shell::Verb<Operator>;

static VERBS: &[Verb] = &[
    Verb {
        name: "block",
        words: "NAME [--why TEXT]",
        about: "an account may only read; its items are hidden",
        run: |operator, words| change_account(operator, "block", StandingChange::Block, words),
    },
    Verb {
        name: "unblock",
        words: "NAME [--why TEXT]",
        about: "end a block",
        run: |operator, words| change_account(operator, "unblock", StandingChange::Unblock, words),
    },
    Verb {
        name: "remove",
        words: "NAME|--item ID [--why TEXT]",
        about: "an account may do nothing, and its items are hidden; or hide one item",
        run: |operator, words| remove_or_restore(operator, "remove", StandingChange::Remove, words),
    },
    Verb {
        name: "restore",
        words: "NAME|--item ID [--why TEXT]",
        about: "an account may do everything again; or show an item again",
        run: |operator, words| {
            remove_or_restore(operator, "restore", StandingChange::Restore, words)
        },
    },
    Verb {
        name: "list",
        words: "",
        about: "list the accounts and items that are blocked or removed",
        run: list,
    },
];

/// The context of a verb.
struct Operator {
    parsed: Parsed,
    client: OnceCell<AdminClient>,
}

/// Runs the subcommand: one verb.
pub(super) fn run(arguments: &[String]) -> Result<(), Failure> {
    let usage = "agora market-admin --market HOST:PORT[,HOST:PORT...] [FLAGS] COMMAND";
    let flags = Flags::new(usage, &about())
        .value("market", "the market, or several replicas of it (required)", "HOST:PORT,...")
        .value("timeout", "timeout of a call (default 10)", "SECONDS")
        .until_first_argument();
    let parsed = connect::flags(flags, Protocol::Native).parse(arguments)?;
    let Some((name, words)) = parsed.free().split_first() else {
        return Err(parsed.wrong("a command is missing"));
    };
    let verb = shell::verb(VERBS, name)
        .ok_or_else(|| parsed.wrong(format!("market-admin has no command {name:?}")))?;
    let words = words.to_vec();
    (verb.run)(&Operator { parsed, client: OnceCell::new() }, &words)
}

fn about() -> String {
    let mut text = String::from(
        "Moderates a market. Orders stay whatever is done, and everything can be undone. The log has \
         who did it and why.\n\nCommands:\n",
    );
    text.push_str(&shell::overview(VERBS));
    text
}

impl Operator {
    fn client(&self) -> Result<&AdminClient, Failure> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let markets = self.parsed.required("market")?;
        let markets: Vec<String> =
            markets.split(',').filter(|target| !target.is_empty()).map(str::to_owned).collect();
        let timeout = self.parsed.seconds("timeout", Duration::from_secs(10))?;
        let channel = connect::options(&self.parsed, Protocol::Native)?;
        let client = AdminClient::new(&markets, &channel, timeout)?;
        Ok(self.client.get_or_init(|| client))
    }

    fn flags(&self, name: &str) -> Flags {
        let (words, about) = shell::verb(VERBS, name).map_or(("", ""), |v| (v.words, v.about));
        Flags::new(format!("agora market-admin ... {name} {words}").trim_end(), about).value(
            "why",
            "the reason, for the log",
            "TEXT",
        )
    }
}

fn change_account(
    operator: &Operator,
    name: &str,
    change: StandingChange,
    words: &[String],
) -> Result<(), Failure> {
    let parsed = operator.flags(name).parse(words)?;
    change_named_account(operator, name, change, &parsed)
}

fn change_named_account(
    operator: &Operator,
    name: &str,
    change: StandingChange,
    parsed: &Parsed,
) -> Result<(), Failure> {
    let [account] = parsed.free() else {
        return Err(parsed.wrong(format!("{name} takes the name of one account")));
    };
    let why = parsed.text("why").unwrap_or_default();
    let done = operator.client()?.moderate_account(account, change, &why);
    done.map_err(|status| refused(&status))?;
    print_line("SUCCESS")
}

fn remove_or_restore(
    operator: &Operator,
    name: &str,
    change: StandingChange,
    words: &[String],
) -> Result<(), Failure> {
    let flags = operator.flags(name).value("item", "an item instead of an account", "ID");
    let parsed = flags.parse(words)?;
    let Some(item) = parsed.text("item") else {
        return change_named_account(operator, name, change, &parsed);
    };
    parsed.no_arguments()?;
    let why = parsed.text("why").unwrap_or_default();
    let is_removed = change == StandingChange::Remove;
    let done = operator.client()?.moderate_item(item_id(&item)?, is_removed, &why);
    done.map_err(|status| refused(&status))?;
    print_line("SUCCESS")
}

fn list(operator: &Operator, words: &[String]) -> Result<(), Failure> {
    operator.flags("list").parse(words)?.no_arguments()?;
    let client = operator.client()?;
    all_pages(
        "no accounts",
        |token| client.restricted_accounts(token),
        |accounts| {
            let lines = accounts.iter().map(|account| {
                let standing = match account.standing {
                    Standing::Good => "good",
                    Standing::Blocked => "blocked",
                    Standing::Removed => "removed",
                };
                format!("{standing} account {}", Escaped(&account.address))
            });
            lines.collect::<Vec<_>>().join("\n")
        },
    )?;
    all_pages(
        "no items",
        |token| client.removed_items(token),
        |items| {
            let lines = items.iter().map(|item| {
                let (name, seller) = (Escaped(&item.name), Escaped(&item.seller));
                format!("removed item {}: {name}, of {seller}", item.id)
            });
            lines.collect::<Vec<_>>().join("\n")
        },
    )?;
    print_note("the reasons are in the log");
    Ok(())
}
