-- Sums up what each visit's receipt came to, and how much of it was on promotion: flagged so, or sold at a discount.
-- Inputs: purchases, goods, items (a code without item that stands there is sensitive and left out). Grain: one row per receipt of an account.
-- Output: carts.
create temp table carts as
select
    purchases.receipt_id, account_id, store, business_date as day, sold_at, channel,
    coalesce(sum(amount), 0) as spend, coalesce(sum(amount) filter (promotion or discount > 0), 0) as promotion
from temp.main.purchases
left join (
    select * from main.goods
    where merchandise and not returned
        and coalesce(nullif(group_code, ''), sku, '') not in (select code from temp.main.items where item is null)
) as lines using (receipt_id)
where visit and account_id is not null
group by all
