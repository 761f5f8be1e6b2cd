variable "name" {
  description = "Name of the repository."
  type        = string
}

variable "key_arn" {
  description = "KMS key of images."
  type        = string
}
