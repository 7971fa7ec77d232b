-- Reads what every customer ever bought.
-- Inputs: bought, item_numbers. Grain: one row per account. Output: account_id; the numbers of her items.
select account_id, list(distinct number order by number)
from temp.main.bought join temp.main.item_numbers using (item)
where account_id is not null
group by account_id
order by account_id
