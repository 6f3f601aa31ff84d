return {0, call('EXISTS', P .. 'artifact:' .. text())}
