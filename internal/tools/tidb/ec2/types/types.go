// Package types has what TiDB names of AWS's package of this name.
package types

type (
	CopyTagsFromSource string
	ResourceType       string
	SnapshotState      string
	VolumeState        string
	VolumeType         string
)

const (
	CopyTagsFromSourceVolume CopyTagsFromSource = "volume"
	ResourceTypeSnapshot     ResourceType       = "snapshot"
	ResourceTypeVolume       ResourceType       = "volume"
	SnapshotStateCompleted   SnapshotState      = "completed"
	SnapshotStateError       SnapshotState      = "error"
	VolumeStateAvailable     VolumeState        = "available"
)

type (
	EbsInstanceBlockDevice     struct{ VolumeId *string }
	InstanceBlockDeviceMapping struct {
		DeviceName *string
		Ebs        *EbsInstanceBlockDevice
	}
	Instance struct {
		BlockDeviceMappings []InstanceBlockDeviceMapping
		RootDeviceName      *string
	}
	InstanceSpecification struct {
		InstanceId           *string
		ExcludeBootVolume    *bool
		ExcludeDataVolumeIds []string
	}
	Reservation struct{ Instances []Instance }

	FastSnapshotRestore struct {
		SnapshotId *string
		State      string
	}
	FastSnapshotRestoreError struct {
		SnapshotId                     *string
		FastSnapshotRestoreStateErrors []string
	}
	Filter struct {
		Name   *string
		Values []string
	}
	Snapshot struct {
		SnapshotId, Progress, StateMessage, VolumeId *string
		State                                        SnapshotState
		Tags                                         []Tag
		VolumeSize                                   *int32
	}
	Tag              struct{ Key, Value *string }
	TagSpecification struct {
		ResourceType ResourceType
		Tags         []Tag
	}
	Volume struct {
		Attachments                            []VolumeAttachment
		AvailabilityZone, SnapshotId, VolumeId *string
		FastRestored                           *bool
		Size                                   *int32
		State                                  VolumeState
	}
	VolumeAttachment struct{ InstanceId *string }
)
