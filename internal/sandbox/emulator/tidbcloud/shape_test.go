package tidbcloud_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"portfolio-infra/internal/sandbox/emulator/tidbcloud"
)

// shape describes a value of an answer by the API's definitions: "text", "number",
// "bool", "time", "texts" (a map of them), one of a list of words, a list of a
// shape, or an object, whose optional members end in "?".
type (
	object map[string]any
	listOf struct{ item any }
	oneOf  []string
)

var (
	plans       = oneOf{"Starter", "Essential", "Premium", "BYOC"}
	clouds      = oneOf{"aws", "gcp", "azure", "alicloud"}
	regionShape = object{
		"name": "text", "regionId": "text", "cloudProvider": clouds, "displayName": "text", "provider": "text", "servicePlans": listOf{plans},
	}
	linkShape    = object{"serviceName": "text", "availabilityZone": listOf{"text"}}
	clusterShape = object{
		"name": "text", "clusterId": "text", "displayName": "text",
		"region":                 regionShape,
		"spendingLimit?":         object{"monthly": "number"},
		"automatedBackupPolicy?": object{"startTime": "text", "retentionDays": "number"},
		"endpoints": object{
			"public": object{
				"host": "text", "port": "number", "disabled": "bool",
				"authorizedNetworks": listOf{object{"startIpAddress": "text", "endIpAddress": "text", "displayName": "text"}},
			},
			"private?": object{"host": "text", "port": "number", "aws?": linkShape, "gcp?": object{"serviceAttachmentName": "text"}, "alicloud?": linkShape},
		},
		"rootPassword?":        "text",
		"encryptionConfig?":    object{"enhancedEncryptionEnabled": "bool"},
		"highAvailabilityType": oneOf{"ZONAL", "REGIONAL"},
		"version":              "text", "createdBy": "text", "userPrefix": "text",
		"state": oneOf{
			"CREATING", "DELETING", "ACTIVE", "RESTORING", "MAINTENANCE", "DELETED", "INACTIVE", "UPGRADING", "IMPORTING", "MODIFYING", "PAUSING", "PAUSED", "RESUMING",
		},
		"labels": "texts", "annotations": "texts", "createTime": "time", "updateTime": "time",
		"auditLogConfig?": object{"enabled": "bool", "unredacted": "bool"},
		"clusterPlan":     oneOf{"STARTER", "ESSENTIAL"},
		"autoScaling?":    object{"minRcu": "number", "maxRcu": "number"},
		"servicePlan":     plans,
	}
	statusShape = object{
		"code": "number", "message": "text",
		"details": listOf{object{"@type": "text", "requestId": "text", "servingData": "text"}},
	}
	userShape     = object{"userName": "text", "authMethod": "text", "builtinRole": "text", "customRoles": listOf{"text"}}
	iamErrorShape = object{"code": "text", "error": "text", "msgPrefix": "text", "status": "number"}
)

// misfits lists where v is not of the shape.
func misfits(path string, v, shape any) []string {
	var bad []string
	ok := true
	switch shape := shape.(type) {
	case object:
		m, isMap := v.(map[string]any)
		ok = isMap
		known := map[string]bool{}
		for _, name := range slices.Sorted(maps.Keys(shape)) {
			plain, optional := strings.CutSuffix(name, "?")
			known[plain] = true
			if member, there := m[plain]; there {
				bad = append(bad, misfits(path+"/"+plain, member, shape[name])...)
			} else if !optional {
				bad = append(bad, path+"/"+plain+" is missing")
			}
		}
		for name := range m {
			if !known[name] {
				bad = append(bad, path+"/"+name+" is unknown")
			}
		}
	case listOf:
		l, isList := v.([]any)
		ok = isList
		for i, item := range l {
			bad = append(bad, misfits(fmt.Sprintf("%s/%d", path, i), item, shape.item)...)
		}
	case oneOf:
		s, _ := v.(string)
		ok = slices.Contains(shape, s)
	case string:
		s, isText := v.(string)
		switch shape {
		case "text":
			ok = isText
		case "time":
			_, err := time.Parse(time.RFC3339Nano, s)
			ok = err == nil && strings.HasSuffix(s, "Z")
		case "number":
			_, ok = v.(float64)
		case "bool":
			_, ok = v.(bool)
		case "texts":
			m, isMap := v.(map[string]any)
			ok = isMap
			for name, value := range m {
				bad = append(bad, misfits(path+"/"+name, value, "text")...)
			}
		}
	}
	if !ok {
		bad = append(bad, fmt.Sprintf("%s is %v, not %v", path, v, shape))
	}
	return bad
}

func (a answer) fits(shape object) answer {
	a.t.Helper()
	for _, bad := range misfits("", map[string]any(a.body), shape) {
		a.t.Errorf("%s: %s", a.call, bad)
	}
	return a
}

// TestCloud_shapes checks every kind of answer against the APIs' definitions.
func TestCloud_shapes(t *testing.T) {
	ticks := newClock()
	cloud := &tidbcloud.Cloud{PublicKey: publicKey, PrivateKey: privateKey, Now: ticks.Now, RateLimit: 17}
	c := serve(t, cloud)
	c.get("").want(401).fits(statusShape)
	clusters := object{"clusters": listOf{clusterShape}, "nextPageToken": "text", "totalSize": "number"}
	id := c.do("POST", "/v1beta1/clusters", `{"displayName":"cluster",`+tokyo+`}`).want(200).fits(clusterShape).str("clusterId")
	c.do("POST", "/v1beta1/clusters", `{"displayName":"another","region":{"name":"regions/alicloud-cn-hongkong"}}`).want(200).fits(clusterShape)
	ticks.Advance(3 * time.Second)
	c.do("GET", clusterPath(id), "").want(200).fits(clusterShape)
	c.do("GET", clusterPath(id)+"?view=BASIC", "").want(200).fits(clusterShape)
	c.do("GET", "/v1beta1/clusters", "").want(200).fits(clusters)
	c.do("PATCH", clusterPath(id), `{"cluster":{"displayName":"renamed"},"updateMask":"displayName"}`).want(200).fits(clusterShape)
	c.do("PUT", clusterPath(id, "password"), `{"password":"correct horse"}`).want(200).fits(object{})
	c.do("GET", "/v1beta1/regions", "").want(200).fits(object{"regions": listOf{regionShape}})
	c.do("GET", "/v1beta1/regions:listCloudProviders", "").want(200).fits(object{"cloudProviders": listOf{clouds}})
	c.do("POST", "/v1beta1/clusters", `{}`).want(400).fits(statusShape)
	c.do("GET", "/nowhere", "").want(404).fits(statusShape)

	users := clusterPath(id, "sqlUsers")
	name := c.do("POST", users, `{"userName":"api",`+password+`,`+nativeAuth+`,"autoPrefix":true,"builtinRole":"role_admin"}`).want(200).fits(userShape).str("userName")
	c.do("GET", users, "").want(200).fits(object{"sqlUsers": listOf{userShape}, "nextPageToken": "text"})
	c.do("PATCH", users+"/"+name, `{"customRoles":["r1"]}`).want(200).fits(userShape)
	c.do("DELETE", users+"/"+name, "").want(200).fits(object{"code": "number", "message": "text"})
	c.do("GET", users+"/"+name, "").want(404).fits(iamErrorShape)
	c.do("DELETE", clusterPath(id), "").want(200).fits(clusterShape)
	c.do("GET", users, "").want(429).fits(statusShape)
}
