variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "environment" {
  description = "development, staging or production."
  type        = string
}

variable "vault_key_owners" {
  description = "ARNs of the principals that may delete the key of the vault, which erases every person."
  type        = list(string)
}
