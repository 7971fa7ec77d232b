-- Lists the tables that say something of single accounts.
-- Inputs: none. Grain: one row per table. Output: name.
select table_name
from information_schema.columns
where table_schema = 'main' and table_catalog = current_database() and column_name = 'account_id'
    and table_name in (select table_name from information_schema.tables where table_type = 'BASE TABLE' and table_schema = 'main')
order by table_name
