-- Gathers what was bought, by item.
-- Inputs: purchases, goods, items (article code and item; without a code that is sensitive). Grain: one row per visit's receipt and item.
-- Output: bought (receipt_id; account_id, null for an anonymous receipt; day; item; what was spent on it).
create temp table bought as
select purchases.receipt_id, purchases.account_id, business_date as day, items.item, sum(amount) as spend
from temp.main.purchases
join main.goods using (receipt_id)
join temp.main.items on items.code = coalesce(nullif(group_code, ''), sku)
where visit and merchandise and not goods.returned and items.item is not null
group by all
