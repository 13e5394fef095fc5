package toy

func platform() string { return "linux" }
