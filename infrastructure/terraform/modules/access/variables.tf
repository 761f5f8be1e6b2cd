variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "namespace" {
  description = "Namespace of Kubernetes that the chart is installed in."
  type        = string
  default     = "sync-platform"
}

variable "issuer_arn" {
  description = "The cluster's identity provider."
  type        = string
}

variable "issuer" {
  description = "Address of the identity provider, without https://."
  type        = string
}

variable "region" {
  description = "Region of the installation."
  type        = string
}

variable "standby_region" {
  description = "Region of the vault's backup."
  type        = string
}

variable "bucket_arns" {
  description = "ARN of each bucket: data, backup, vault-backup."
  type        = map(string)
}

variable "key_arns" {
  description = "ARN of each KMS key: data, backups, vault, messages, and vault-backup, that of the vault's backup."
  type        = map(string)
}

variable "alerts_topic_arn" {
  description = "Topic of alerts."
  type        = string
}

variable "emergency_queue_arn" {
  description = "Queue of emergency requests."
  type        = string
}
