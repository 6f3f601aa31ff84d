call('HSET', P .. 'meta', 'draining', text())
return done({0})
