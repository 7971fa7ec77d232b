-- Tells what share of a customer's money is margin.
-- Inputs: purchases, sensitive (receipts with such goods tell nothing), goods, articles. Grain: one row per account of whose money at least half
-- was spent on articles with a known cost or margin. Output: account_id; the share in millionths.
with spent as (
    select
        account_id, amount,
        case
            when articles.cost is not null then amount - quantity * articles.cost
            when articles.margin_percent is not null then amount * articles.margin_percent / 100
        end as margin
    from temp.main.purchases
    anti join temp.main.sensitive using (receipt_id)
    join main.goods using (receipt_id)
    left join main.articles on articles.sku = goods.sku
    where account_id is not null and merchandise and not goods.returned
)
select account_id, (1000000 * least(1, greatest(-1, (sum(margin) / sum(amount) filter (margin is not null))::double)))::bigint
from spent
group by account_id
having sum(amount) filter (margin is not null) > 0 and 2 * sum(amount) filter (margin is not null) >= sum(amount)
order by account_id
