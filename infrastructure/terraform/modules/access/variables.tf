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

variable "bucket_arns" {
  description = "ARN of each bucket: data, backup, vault-backup."
  type        = map(string)
}

variable "run_key_arns" {
  description = "KMS keys that runs use."
  type        = list(string)
}

variable "service_key_arns" {
  description = "KMS keys that services use; that of the vault is not one of them."
  type        = list(string)
}

variable "run_secret_arns" {
  description = "Secrets that runs read."
  type        = list(string)
}

variable "service_secret_arns" {
  description = "Secrets that services read."
  type        = list(string)
}

variable "alerts_topic_arn" {
  description = "Topic of alerts."
  type        = string
}

variable "emergency_queue_arn" {
  description = "Queue of emergency requests."
  type        = string
}
