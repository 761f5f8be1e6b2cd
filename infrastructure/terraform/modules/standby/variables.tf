variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "primary_key_arns" {
  description = "Keys of the primary region by purpose: backups, vault."
  type        = map(string)
}

variable "key_policies" {
  description = "Policy of each replica key, the same as that of its primary key."
  type        = map(string)
}

variable "backup_lock_days" {
  description = "Days that nobody may delete or change an object of the replica."
  type        = number
}
