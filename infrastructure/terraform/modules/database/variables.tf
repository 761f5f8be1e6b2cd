variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "vpc_id" {
  description = "The network."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets of at least two zones."
  type        = list(string)
}

variable "client_security_group_id" {
  description = "Security group whose members may connect."
  type        = string
}

variable "postgres_version" {
  description = "Major version of PostgreSQL."
  type        = string
  default     = "15"
}

variable "instance_class" {
  description = "Machine of the server for the catalog, the ledger and Dagster."
  type        = string
}

variable "vault_instance_class" {
  description = "Machine of the vault's server."
  type        = string
  default     = "db.t4g.small"
}

variable "storage_gb" {
  description = "Storage at first, in GB; it grows to five times as much."
  type        = number
}

variable "multi_az" {
  description = "Whether a second server in another zone takes over when the first fails."
  type        = bool
}

variable "backup_days" {
  description = "Days that RDS keeps its own backups of the main server."
  type        = number
}

variable "deletion_protection" {
  description = "Whether RDS refuses to delete the servers."
  type        = bool
}

variable "key_arn" {
  description = "KMS key of the storage."
  type        = string
}

variable "secrets_key_arn" {
  description = "KMS key of the password that RDS makes."
  type        = string
}

variable "logs_key_arn" {
  description = "KMS key of log groups."
  type        = string
}

variable "log_retention_days" {
  description = "Days that the servers' logs are kept."
  type        = number
}
