variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "environment" {
  description = "development, staging or production."
  type        = string
}

variable "region" {
  description = "AWS region."
  type        = string
}

variable "cidr" {
  description = "Addresses of the network, a /16."
  type        = string
}

variable "zones" {
  description = "Number of availability zones."
  type        = number
}

variable "nat_per_zone" {
  description = "Whether each zone has a NAT gateway of its own; otherwise the loss of one zone cuts all zones off."
  type        = bool
}

variable "log_retention_days" {
  description = "Days that the log of connections is kept."
  type        = number
}

variable "logs_key_arn" {
  description = "KMS key of log groups."
  type        = string
}

variable "endpoint_services" {
  description = "AWS services that are reached inside the network."
  type        = list(string)
  default = [
    "ec2", "ecr.api", "ecr.dkr", "eks", "kms", "logs", "monitoring", "sns", "sqs", "sts"
  ]
}
