"""The whole run on one screen: resolve, materialize, launch, supervise, record."""
