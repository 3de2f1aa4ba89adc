// Package fleet is what the fleet's state machine does besides starting executions of the postern machine: it makes one request
// for each target out of a fleet request, and one report out of how each of them ended. It calls nothing.
package fleet
