variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "key_arn" {
  description = "KMS key of secrets."
  type        = string
}

variable "standby_region" {
  description = "Region that has a copy of each secret; empty for none."
  type        = string
}

variable "secrets" {
  description = "What each secret is for, by its name."
  type        = map(string)
}
