variable "name" {
  description = "Name of the bucket; it must be unique in the world."
  type        = string
}

variable "purpose" {
  description = "What is in it, in words."
  type        = string
}

variable "key_arn" {
  description = "KMS key that encrypts it; null: a key that S3 manages."
  type        = string
  default     = null
}

variable "is_locked" {
  description = "Whether it has versions and object lock."
  type        = bool
  default     = false
}

variable "lock_days" {
  description = "Days that nobody may delete or change an object of a locked bucket, without the right to bypass the lock."
  type        = number
  default     = 1
}

variable "takes_access_logs" {
  description = "Whether it is the log of other buckets."
  type        = bool
  default     = false
}

variable "expired_after_days" {
  description = "Days after which a rule deletes objects, by their prefix (empty: all)."
  type        = map(number)
  default     = {}
}
