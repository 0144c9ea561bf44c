//! Any input: the market answers or refuses it.

use agora::market::state::{
    Action, Caller, Category, Command, Identity, ItemFields, ItemId, Limits, Market, NewItem,
    OrderId, Query, Sort,
};

use crate::seed::{Seed, each_seed};
use crate::trial::{SELLER, Trial, caller, cents, request, sell};

/// A text of up to 40 bytes, of any characters.
fn text(seed: &mut Seed) -> String {
    let len = seed.below(40);
    let mut bytes = b"usb Cable* \xc3\x89tui".to_vec();
    seed.mutate(&mut bytes);
    if seed.one_in(3) {
        bytes = seed.bytes(len);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn damaged_searches_are_answered_or_refused() {
    let mut trial = Trial::open();
    for name in ["usb cable", "\u{c9}tui", "cable", "USB lamp"] {
        trial.ask(SELLER, sell(name, 1, 1)).unwrap();
    }
    each_seed(|seed| {
        let sort = *seed.pick(&Sort::ALL);
        let query = Query { text: &text(seed), sort, page_size: 1, ..Query::default() };
        let Ok(page) = trial.market.search(&query) else { return };
        let mut token = page.next_page_token.unwrap_or_default().into_bytes();
        seed.mutate(&mut token);
        let page_token = &*String::from_utf8_lossy(&token);
        let sort = *seed.pick(&Sort::ALL);
        if let Ok(page) = trial.market.search(&Query { page_token, sort, ..query }) {
            assert!(page.items.len() <= 1);
        }
    });
}

#[test]
fn extreme_commands_are_answered_or_refused() {
    let mut market = Market::new(Limits { max_accounts: 50, max_items: 50, ..Limits::DEFAULT });
    let mut steps = 0;
    each_seed(|seed| {
        let digest = [seed.below(60) as u8; 32];
        let Some(identity) = Identity::from_digest(digest) else { return };
        let (name, description) = (text(seed), text(seed));
        let address = if seed.one_in(4) { name.clone() } else { format!("{digest:?}")[..9].into() };
        let extreme = |seed: &mut Seed| *seed.pick(&[0, 1, 2, 1 << 31, u64::MAX - 1, u64::MAX]);
        let (number, other) = (extreme(seed), extreme(seed));
        let (item, quantity, price) = (ItemId(number as u32), other as u32, cents(number));
        let action = match seed.below(8) {
            0 => Action::RegisterSeller,
            1 => {
                let category = Category::Others;
                let (name, description) = (&*name, &*description);
                let fields = ItemFields { name, category, description };
                Action::SellItem(NewItem { fields, quantity, price })
            }
            2 => Action::UpdateItem { item, price: Some(price), quantity: Some(quantity) },
            3 => Action::BuyItem { item, quantity, max_price: Some(price) },
            4 => Action::DeleteItem { item },
            5 => Action::RateItem { item, stars: quantity },
            6 => Action::AddToWishList { item },
            _ => Action::Acknowledge { up_to_id: number },
        };
        let caller = Caller { identity, address: &address };
        let request_id = request(extreme(seed));
        let _ = market.apply(number, &Command { request_id, caller, action });
        let _ = market.seller_items(&caller, item, other as usize);
        let _ = market.buyer_orders(&caller, Some(OrderId(other as u32)), number as usize);
        if let Ok(account) = market.account(&caller) {
            market.mailbox(account, number, other as usize);
        }
        steps += 1;
        if steps % 500 == 0 {
            assert_eq!(market.audit().faults, [""; 0]);
        }
    });
    assert!(market.seller_items(&caller("nobody"), ItemId(0), 0).is_err());
}
