module slipway/sandbox/tools/pause

go 1.26.3
