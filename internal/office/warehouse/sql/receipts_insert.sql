-- Takes the receipts in.
-- Inputs: staged, resolved (customer, account_id). Grain: one row per receipt. Changes: receipts. A receipt whose store delivered it under an
-- account and that names none itself keeps that account.
insert into main.receipts
select
    staged.receipt_id, 'imported', false, staged.store, staged.till, 0, staged.business_date, staged.receipt_no, 0, staged.kind,
    coalesce(resolved.account_id, delivered.account_id), staged.currency, staged.sold_at,
    case when staged.original_receipt_no is not null then coalesce(staged.original_store, staged.store) end,
    staged.original_till, staged.original_business_date, staged.original_receipt_no,
    staged.lines, staged.bought, staged.sold, staged.returned, staged.content, staged.channel
from temp.main.staged
left join temp.main.resolved on resolved.customer = staged.customer
left join (
    select store, till, business_date, receipt_no, any_value(account_id) as account_id
    from main.receipts where source = 'delivered' group by all
) as delivered using (store, till, business_date, receipt_no)
where staged.problem is null and staged.standing in ('new', 'other')
order by staged.receipt_id
