-- Reads receipts as baskets of items: the newest, of at most twelve months.
-- Inputs: bought, item_numbers; $as_of, the last day; $most, how many at most. Grain: one row per receipt. Output: the numbers of its items.
select list(number order by number)
from temp.main.bought join temp.main.item_numbers using (item)
where day > date '1970-01-01' + $as_of::integer - 365
group by receipt_id
order by max(day) desc, receipt_id desc
limit $most
