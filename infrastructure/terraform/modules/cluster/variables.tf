variable "name" {
  description = "Name of the cluster."
  type        = string
}

variable "kubernetes_version" {
  description = "Version of Kubernetes."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets of at least two zones."
  type        = list(string)
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

variable "administrator_arns" {
  description = "ARNs of the roles that may administer the cluster."
  type        = list(string)
}

variable "secrets_key_arn" {
  description = "KMS key of the secrets of Kubernetes."
  type        = string
}

variable "disk_key_arn" {
  description = "KMS key of the machines' disks."
  type        = string
}

variable "logs_key_arn" {
  description = "KMS key of log groups."
  type        = string
}

variable "log_retention_days" {
  description = "Days that the cluster's logs are kept."
  type        = number
}
