-- Calls, tables, strings, closures, floats: about 0.3 s. It must raise no error and use no coroutine.
local sum = 0
local function mix(v)
  sum = (sum * 31 + v) & 0xffffffffffff
end

local function fib(n)
  if n < 2 then return n end
  return fib(n - 1) + fib(n - 2)
end
mix(fib(25))

local sieve = {}
for i = 2, 200000 do sieve[i] = true end
for i = 2, 447 do
  if sieve[i] then
    for j = i * i, 200000, i do sieve[j] = false end
  end
end
local primes = 0
for i = 2, 200000 do if sieve[i] then primes = primes + 1 end end
mix(primes)

local words, counts = {}, {}
for i = 1, 20000 do words[#words + 1] = string.format("w%d", (i * 7919) % 1009) end
for _, word in ipairs(words) do counts[word] = (counts[word] or 0) + 1 end
local names = {}
for word in pairs(counts) do names[#names + 1] = word end
table.sort(names)
for _, word in ipairs(names) do mix(#word * counts[word]) end
local text = table.concat(words, " ")
local found = 0
for digits in text:gmatch("w(%d+)") do found = found + tonumber(digits) end
mix(found)
mix(#text:gsub("w1", "x"):upper())

local Point = {}
Point.__index = Point
function Point.new(x, y) return setmetatable({x = x, y = y}, Point) end
function Point:add(other) return Point.new(self.x + other.x, self.y + other.y) end
local p = Point.new(0, 0)
for i = 1, 150000 do p = p:add(Point.new(i, 0.5)) end
mix(math.floor(p.x + p.y))

local function compose(f, g) return function(v) return g(f(v)) end end
local chain = function(v) return v end
for i = 1, 40 do chain = compose(chain, function(v) return (v * 3 + i) % 1000003 end) end
for i = 1, 1500 do mix(chain(i)) end

local n, values, seed = 20000, {}, 42
for i = 1, n do
  seed = (seed * 1103515245 + 12345) % 2147483648
  values[i] = seed
end
table.sort(values, function(a, b) return a > b end)
for i = 1, n, 100 do mix(values[i]) end

local energy = 0.0
for i = 1, 300000 do energy = energy + math.sqrt(i) / (i % 17 + 1) end
mix(math.floor(energy))
check = sum
