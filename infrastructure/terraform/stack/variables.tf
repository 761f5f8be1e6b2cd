variable "prefix" {
  description = "Beginning of every name. Bucket names are unique in the world, so an organisation sets its own."
  type        = string
  default     = "sync-platform"
}

variable "environment" {
  description = "development, staging or production: ENVIRONMENT of the program."
  type        = string

  validation {
    condition     = contains(["development", "staging", "production"], var.environment)
    error_message = "The environment is development, staging or production."
  }
}

variable "region" {
  description = "AWS region."
  type        = string
}

variable "standby_region" {
  description = "Region of the replica, from which another installation can be restored."
  type        = string
}

variable "retention_days" {
  description = "Days that each kind of data is kept: the same as the settings of the program (a test compares them)."
  type        = map(number)
  default = {
    landing     = 90
    logs        = 30
    access_logs = 365
  }
}

variable "backup_lock_days" {
  description = "Days that nobody may delete or change an object of a backup. Not longer than BACKUP_RETENTION_DAYS."
  type        = number
  default     = 30
}

variable "cidr" {
  description = "Addresses of the network, a /16."
  type        = string
  default     = "10.52.0.0/16"
}

variable "zones" {
  description = "Number of availability zones."
  type        = number
  default     = 3
}

variable "nat_per_zone" {
  description = "Whether each zone has a NAT gateway of its own."
  type        = bool
  default     = true
}

variable "kubernetes_version" {
  description = "Version of Kubernetes."
  type        = string
  default     = "1.35"
}

variable "node_groups" {
  description = "Machines by their work: `services` for what always runs, `runs` for syncs."
  type = map(object({
    instance_types = list(string)
    capacity_type  = string
    least          = number
    most           = number
  }))
}

variable "database_class" {
  description = "Machine of the main database server."
  type        = string
}

variable "database_storage_gb" {
  description = "Storage of the main database server at first, in GB."
  type        = number
  default     = 50
}

variable "database_multi_az" {
  description = "Whether a second server takes over when the first fails."
  type        = bool
  default     = true
}

variable "database_backup_days" {
  description = "Days that RDS keeps its own backups of the main server."
  type        = number
  default     = 14
}

variable "deletion_protection" {
  description = "Whether RDS refuses to delete the servers."
  type        = bool
  default     = true
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
