-- Keeps delivered receipts that are new, and gives receipts of lists that name no customer the account their store knew.
-- Inputs: delivered, delivered_lines. Changes: receipts.
insert into main.receipts
with lines as (
    -- Goods come back on a return, and wherever a quantity (or, without one, an amount) is negative.
    select number, merchandise, amount::decimal(18, 0) * /*unit*/ as amount,
        kind = 'return' or delivered_lines.quantity < 0 or (delivered_lines.quantity = 0 and delivered_lines.amount < 0) as returned
    from temp.main.delivered_lines join temp.main.delivered using (number)
), sums as (
    select number, count(*) as lines,
        count(*) filter (merchandise and not returned) as bought,
        coalesce(sum(amount) filter (merchandise and not returned), 0) as sold,
        coalesce(sum(amount) filter (merchandise and returned), 0) as returned
    from lines
    group by number
)
select
    receipt_id, 'delivered', imported, store, till, till_epoch, business_date, receipt_no, fork, kind, account_id, nullif(currency, ''), sold_at,
    original_store, original_till, original_business_date, original_receipt_no,
    coalesce(sums.lines, 0), coalesce(sums.bought, 0), coalesce(sums.sold, 0), coalesce(sums.returned, 0), 0, null
from temp.main.delivered left join sums using (number)
where receipt_id is not null
order by receipt_id;
update main.receipts
set account_id = delivered.account_id
from temp.main.delivered
where delivered.imported and delivered.receipt_id is not null and delivered.account_id is not null and receipts.source = 'imported' and receipts.account_id is null
    and receipts.store = delivered.store and receipts.till = delivered.till
    and receipts.business_date = delivered.business_date and receipts.receipt_no = delivered.receipt_no
