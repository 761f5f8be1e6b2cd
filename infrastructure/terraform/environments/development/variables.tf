variable "prefix" {
  description = "Beginning of every name. Bucket names are unique in the world, so an organisation sets its own."
  type        = string
}

variable "region" {
  description = "AWS region."
  type        = string
  default     = "ap-southeast-1"
}

variable "standby_region" {
  description = "Region of the replica."
  type        = string
  default     = "ap-northeast-1"
}

variable "administrator_arns" {
  description = "ARNs of the roles that may administer the cluster."
  type        = list(string)
}

variable "vault_key_owners" {
  description = "ARNs of the principals that may delete the key of the vault, which erases every person."
  type        = list(string)
}

variable "alert_receivers" {
  description = "Who receives alerts, by severity: critical, high, medium, low."
  type = map(list(object({
    protocol = string
    endpoint = string
  })))
  default = {}
}
