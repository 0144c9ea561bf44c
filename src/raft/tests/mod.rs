mod adversaries;
mod group;
mod stories;
mod tell;
mod traps;
mod truth;
