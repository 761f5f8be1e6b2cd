# The development environment. What all environments have in common is in ../../stack.

terraform {
  required_version = ">= 1.0"

  # The bucket and the table of the state are made once, by hand: docs/infrastructure.md. Their names come from
  # `terraform init -backend-config=backend.hcl`.
  backend "s3" {
    key     = "sync-platform/development.tfstate"
    encrypt = true
  }

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.62"
    }
    tls = {
      source  = "hashicorp/tls"
      version = "~> 4.0"
    }
  }
}

provider "aws" {
  region = var.region
  default_tags {
    tags = local.tags
  }
}

provider "aws" {
  alias  = "standby"
  region = var.standby_region
  default_tags {
    tags = local.tags
  }
}

locals {
  tags = {
    application = "sync-platform"
    environment = "development"
    managed-by  = "terraform"
  }
}

module "stack" {
  source    = "../../stack"
  providers = { aws = aws, aws.standby = aws.standby }

  prefix               = var.prefix
  environment          = "development"
  region               = var.region
  standby_region       = var.standby_region
  cidr                 = "10.52.0.0/16"
  zones                = 2
  nat_per_zone         = false
  database_class       = "db.t4g.medium"
  database_storage_gb  = 20
  database_multi_az    = false
  database_backup_days = 7
  deletion_protection  = false
  backup_lock_days     = 1
  administrator_arns   = var.administrator_arns
  vault_key_owners     = var.vault_key_owners
  alert_receivers      = var.alert_receivers

  node_groups = {
    services = {
      instance_types = ["t3.large"]
      capacity_type  = "ON_DEMAND"
      least          = 1
      most           = 3
    }
    runs = {
      instance_types = ["t3.large"]
      capacity_type  = "SPOT"
      least          = 0
      most           = 3
    }
  }
}
