.DEFAULT_GOAL := help
.PHONY: generate
generate: ## Write gen/ anew from api/
	.tools/buf.sh generate
