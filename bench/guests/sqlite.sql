-- Inserts, index look-ups, joins, grouping, text functions, a recursive query, JSON and full text.
create table item (id integer primary key, kind integer, price real, name text);
create table sale (id integer primary key, item integer, day integer, amount integer);
begin;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 12000)
  insert into item select i, i * 7919 % 37, i * 7 % 1000 / 8.0, printf('item-%05d-%x', i * 31 % 12000, i * i) from n;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 40000)
  insert into sale select i, i * 104729 % 12000 + 1, i % 365, i * 13 % 9 + 1 from n;
commit;
create index sale_item on sale(item);
create index item_name on item(name);
select kind, count(*), sum(price), max(name) from item group by kind order by kind;
select kind, sum(price * amount) as turnover from sale join item on item.id = sale.item
  group by kind order by turnover desc limit 10;
select day, count(distinct item), avg(amount) from sale group by day having count(*) > 109 order by day;
select count(*) from item where name like '%-0a%' or upper(substr(name, 6, 3)) between '010' and '019';
update item set price = price * 1.1 where kind in (3, 5, 7);
delete from sale where item in (select id from item where kind = 11);
select sum(amount), count(*) from sale where item in (select id from item where name glob 'item-00*');
with recursive fib(i, a, b) as (select 1, 0, 1 union all select i + 1, b, (a + b) % 1000007 from fib where i < 30000)
  select sum(a) from fib;
select sum(json_extract('{"a":[' || id || ',2,{"b":' || kind || '}]}', '$.a[2].b')) from item where id < 4000;
create virtual table note using fts5(body);
insert into note select 'the ' || name || ' of kind k' || kind || ' sold on day ' || id % 365 from item where id <= 3000;
select count(*) from note where note match 'k17 OR day';
select a.id, b.id from item a join item b on b.name > a.name and b.kind = a.kind where a.id % 600 = 0
  order by b.name, a.id limit 50;
