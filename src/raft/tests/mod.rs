mod adversaries;
mod claims;
mod group;
mod stories;
mod tell;
mod traps;
mod truth;
