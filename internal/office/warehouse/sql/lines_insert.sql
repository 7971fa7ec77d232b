-- Takes the lines of the receipts in.
-- Inputs: parsed, staged. Grain: one row per line, numbered in the order of the list. Changes: lines.
insert into main.lines
select
    staged.receipt_id,
    row_number() over (partition by staged.receipt_id order by parsed.rowid),
    parsed.sku, parsed.group_code, parsed.quantity, parsed.amount, parsed.discount, parsed.merchandise,
    parsed.is_return or parsed.quantity < 0 or (parsed.quantity = 0 and parsed.amount < 0),
    parsed.promotion
from temp.main.parsed
join temp.main.staged
    on staged.store = parsed.store and staged.till = parsed.till and staged.receipt_key = parsed.receipt_key
where parsed.problem is null and parsed.skip is null and staged.problem is null and staged.standing in ('new', 'other')
